"""The command ``anisoap-e3nn export``."""

import argparse
from pathlib import Path
from typing import Any

from .printing import print_text


def add_export(commands: Any) -> None:
    """Add the command and its options to the command line."""
    command = commands.add_parser(
        "export",
        help="compile a model for LAMMPS without Python",
        description="Compile a potential for pair_style anisoap/torch, which runs it without Python. The "
        "file is for processors like the one at hand and for the version of torch that compiled it.",
    )
    command.set_defaults(run=_export)
    # fmt: off
    add = command.add_argument
    add("model", type=Path, metavar="MODEL.pt", help="checkpoint")
    add("-o", "--output", type=Path, required=True, metavar="OUT.pt2", help="output file")
    add("--overwrite", action="store_true", help="replace OUT if it exists")
    # fmt: on


def _export(options: argparse.Namespace) -> None:
    from ..interop.lammps import export_model

    export_model(options.model, options.output, overwrite=options.overwrite)
    print_text(f"wrote  {options.output}, {options.output.stat().st_size / 1e6:.3g} MB")
