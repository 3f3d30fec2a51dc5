"""The directive ``command-help``: what a command of ``anisoap-e3nn`` prints when it is asked for help."""

import contextlib
import io
import os
from unittest import mock

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from anisoap_e3nn.cli import main


class CommandHelp(SphinxDirective):
    """Help of the command that the argument names, as a block of text."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        printed = io.StringIO()
        with (
            mock.patch.dict(os.environ, COLUMNS="84"),  # argparse wraps lines there
            contextlib.redirect_stdout(printed),
            contextlib.suppress(SystemExit),  # how argparse ends
        ):
            main([*self.arguments[0].split(), "--help"])
        if not printed.getvalue():
            raise self.error(f"{self.arguments[0]!r} is no command of anisoap-e3nn")
        return [nodes.literal_block(text := printed.getvalue(), text, language="text")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
