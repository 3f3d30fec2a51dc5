"""Entry point and options of the command ``anisoap-e3nn``."""

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .analyse import add_analyse
from .coarse_grain import add_coarse_grain
from .convert import convert
from .evaluate import add_evaluate
from .export import add_export
from .featurize import featurize
from .input_frames import add_input_options
from .lammps import add_lammps
from .mace_train import mace_train
from .printing import print_message, print_text, print_warning
from .signals import Terminated, signals_as_exceptions
from .simulate import add_simulate
from .train import add_fit, add_train

_NOTHING = "nothing written"  # by commands whose output appears only when complete


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0; 2 after an error, which is printed in one line; 130 if interrupted; 128 + the number of another
    signal that ended it.
    """
    try:
        with signals_as_exceptions(), warnings.catch_warnings():
            warnings.showwarning = print_warning
            warnings.simplefilter("ignore", FutureWarning)  # for programmers, from libraries
            options = _parser().parse_args(arguments)
            options.run(options)
    except (ValueError, OSError, ImportError, MemoryError) as error:
        print_message("error", str(error) or type(error).__name__)
        return 2
    except KeyboardInterrupt as end:
        print_text(f"anisoap-e3nn: interrupted, {str(end) or _NOTHING}", sys.stderr)
        return 130
    except Terminated as signal:
        print_text(f"anisoap-e3nn: ended by {signal}, {signal.kept or _NOTHING}", sys.stderr)
        return 128 + signal.number
    return 0


def _positive(word: str) -> int:
    if not word.isdecimal() or int(word) == 0:
        raise argparse.ArgumentTypeError(f"found {word!r}, expected 1 or more")
    return int(word)


def _parser() -> argparse.ArgumentParser:
    from .. import __version__

    parser = argparse.ArgumentParser(
        prog="anisoap-e3nn", description="Densities of ellipsoids as e3nn irreps."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True)
    _add_featurize(commands)
    _add_convert(commands)
    add_coarse_grain(commands)
    add_fit(commands)
    add_train(commands)
    add_evaluate(commands)
    add_simulate(commands)
    add_analyse(commands)
    _add_mace_train(commands)
    add_export(commands)
    add_lammps(commands)
    return parser


def _add_featurize(commands: Any) -> None:
    command = commands.add_parser(
        "featurize",
        help="expand the neighbourhood of every particle of a file",
        description="Expand the neighbourhood of every particle of a file (formats of ASE, text dumps "
        "and data files of LAMMPS, HOOMD GSD) and write the coefficients, frame by frame.",
    )
    command.set_defaults(run=featurize)
    # fmt: off
    add = command.add_argument
    add("input", type=Path, metavar="INPUT", help="file of particles")
    add("-o", "--output", type=Path, required=True, metavar="OUT.{npz,pt,mts}",
        help="output file: arrays, or a TensorMap of metatensor (.mts)")
    add("--overwrite", action="store_true", help="replace OUT if it exists")
    add("--threads", type=_positive, metavar="N", help="number of threads")

    add = command.add_argument_group("expansion (see AniSOAPEmbedding)").add_argument
    add("--cutoff", type=float, required=True, help="radius of the neighbourhoods")
    add("--max-angular", type=int, required=True, metavar="L", help="largest l")
    add("--max-radial", type=int, nargs="+", metavar="N",
        help="largest n, for all l or one for each l (default: coupled to l, as in AniSOAP)")
    add("--radial-basis", choices=("gto", "monomial"), default="gto")
    add("--radial-gaussian-width", type=float, nargs="+", metavar="W", help="width of gto, or several")
    add("--density-width", type=float, default=1.0, metavar="W",
        help="standard deviations of densities, in units of the semi-axes (%(default)s)")
    add("--rcond", type=float, default=1e-8,
        help="threshold below which radial functions are dropped (%(default)s)")
    add("--cutoff-function", choices=("shifted_cosine", "polynomial"),
        help="how neighbours fade at the cutoff (default: not at all, as in AniSOAP)")
    add("--include-self", choices=("yes", "no", "separate"), default="yes",
        help="density of the particle itself: added to its neighbours', left out, or in channels of its own")
    add("--types", type=int, nargs="+", metavar="T",
        help="particle types (default: found in a first pass over the file)")
    add("--dtype", choices=("float32", "float64"), default="float64")
    # fmt: on
    add_input_options(command)


def _add_convert(commands: Any) -> None:
    command = commands.add_parser(
        "convert",
        help="write any file of ellipsoids as extended XYZ",
        description="Write a file of ellipsoids (as featurize reads it) as extended XYZ with the columns "
        "orientations, semiaxes, forces and torques, which nequip and MACE read.",
    )
    command.set_defaults(run=convert)
    # fmt: off
    add = command.add_argument
    add("input", type=Path, metavar="INPUT", help="file of particles")
    add("-o", "--output", type=Path, required=True, metavar="OUT.xyz", help="output file")
    add("--overwrite", action="store_true", help="replace OUT if it exists")
    # fmt: on
    add_input_options(command)


def _add_mace_train(commands: Any) -> None:
    command = commands.add_parser(
        "mace-train",
        help="train MACE on ellipsoids",
        description="mace_run_train with the density of ellipsoids as the first layer, and torques. The file "
        "has the options of mace_run_train and a section anisoap; see docs/mace.md.",
    )
    command.set_defaults(run=mace_train)
    command.add_argument("config", type=Path, metavar="CONFIG.yaml", help="configuration")
    command.add_argument(
        "options", nargs=argparse.REMAINDER, help="options of mace_run_train that take precedence"
    )
