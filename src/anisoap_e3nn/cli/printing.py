"""Lines that the command prints, in whatever encoding its streams have."""

import sys
from typing import TextIO


def print_text(text: str, stream: TextIO | None = None) -> None:
    """Print text; characters that the stream cannot encode, as of file names, are escaped."""
    stream = stream or sys.stdout
    encoding = stream.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)


def print_message(kind: str, message: object) -> None:
    """Print an error or a warning in one line on standard error."""
    print_text(f"anisoap-e3nn: {kind}: {' '.join(str(message).split())}", sys.stderr)


def print_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning without its place in the code; for ``warnings.showwarning``."""
    print_message("warning", message)
