"""The commands ``anisoap-e3nn lammps build`` and ``anisoap-e3nn lammps run``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from .printing import print_text
from .signals import telling


def add_lammps(commands: Any) -> None:
    """Add the commands and their options to the command line."""
    command = commands.add_parser("lammps", help="drive ellipsoids in LAMMPS with a model")
    parts = command.add_subparsers(title="commands", required=True)
    _add_build(parts)
    _add_run(parts)


def _add_build(parts: Any) -> None:
    command = parts.add_parser(
        "build",
        help="build the plugin with pair_style anisoap and anisoap/torch",
        description="Build the plugin with pair_style anisoap and anisoap/torch, once for each LAMMPS and "
        "each torch, and print its path.",
    )
    command.set_defaults(run=_build)
    # fmt: off
    add = command.add_argument
    add("--lammps-dir", type=Path, metavar="FOLDER",
        help="folder with LAMMPS' headers, include/lammps or src (default: that of the installed module)")
    add("--mpi-dir", type=Path, metavar="FOLDER",
        help="folder with include/mpi.h (default: the environment's)")
    # fmt: on


def _add_run(parts: Any) -> None:
    command = parts.add_parser(
        "run",
        help="run an input script of LAMMPS",
        description="Run an input script of LAMMPS with pair_style anisoap, alone or under mpirun -n N.",
    )
    command.set_defaults(run=_run)
    # fmt: off
    add = command.add_argument
    add("input", type=Path, metavar="INPUT", help="input script")
    add("--model", type=Path, metavar="MODEL.pt", help="checkpoint, ${model} in the script")
    add("--options", nargs=argparse.REMAINDER, default=(),
        help="options of LAMMPS, such as -var T 300 -log run.log; they come last")
    # fmt: on


def _build(options: argparse.Namespace) -> None:
    from ..interop.lammps import build_plugin
    from ..interop.lammps.plugin import is_built

    if options.lammps_dir or options.mpi_dir or not is_built():
        print_text("anisoap-e3nn: compiling the plugin, which takes about a minute", sys.stderr)
    print_text(str(build_plugin(options.lammps_dir, options.mpi_dir)))


def _run(options: argparse.Namespace) -> None:
    from ..interop.lammps.script import run_script

    with telling(lambda: "files that LAMMPS has written so far are kept"):
        run_script(options.input, options.model, options.options)
