"""The command line: ``anisoap-e3nn featurize``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .featurize import featurize


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 2 for a mistake of the user's."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, OSError, ImportError) as error:
        print(f"anisoap-e3nn: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("anisoap-e3nn: interrupted, nothing written", file=sys.stderr)
        return 130
    return 0


def _molecule_type(word: str) -> tuple[str, int]:
    formula, _, type_ = word.partition("=")
    if not type_.isdecimal():
        raise argparse.ArgumentTypeError(f"expected FORMULA=TYPE, such as C6H6=0, found {word!r}")
    return formula, int(type_)


def _positive(word: str) -> int:
    if not word.isdecimal() or int(word) == 0:
        raise argparse.ArgumentTypeError(f"expected 1 or more, found {word!r}")
    return int(word)


def _parser() -> argparse.ArgumentParser:
    from .. import __version__

    parser = argparse.ArgumentParser(
        prog="anisoap-e3nn", description="Densities of ellipsoids as e3nn irreps."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True)
    command = commands.add_parser(
        "featurize",
        help="expand the neighbourhood of every particle of a file",
        description="Expand the neighbourhood of every particle of a file (what ASE reads, LAMMPS "
        "text dumps, HOOMD GSD) and write the coefficients, frame by frame.",
    )
    command.set_defaults(run=featurize)
    # fmt: off
    add = command.add_argument
    add("input", type=Path, metavar="INPUT", help="file of particles")
    add("-o", "--output", type=Path, required=True, metavar="OUT.{npz,pt,mts}",
        help="file to write: arrays, or a TensorMap of metatensor (.mts)")
    add("--overwrite", action="store_true", help="replace OUT if it exists")
    add("--threads", type=_positive, metavar="N", help="threads to compute with")

    add = command.add_argument_group("the expansion, as AniSOAPEmbedding takes it").add_argument
    add("--cutoff", type=float, required=True, help="radius of the neighbourhoods")
    add("--max-angular", type=int, required=True, metavar="L", help="largest l")
    add("--max-radial", type=int, nargs="+", metavar="N",
        help="largest n, for all l or one for each (default: coupled to l, as in AniSOAP)")
    add("--radial-basis", choices=("gto", "monomial"), default="gto")
    add("--radial-gaussian-width", type=float, metavar="W", help="width of gto")
    add("--rcond", type=float, default=1e-8, help="radial functions to drop (%(default)s)")
    add("--cutoff-function", choices=("shifted_cosine", "polynomial"), help="default: none, as in AniSOAP")
    add("--no-self", action="store_true", help="leave out the density of the particle itself")
    add("--types", type=int, nargs="+", metavar="T",
        help="particle types (default: those found in a first pass over the file)")
    add("--dtype", choices=("float32", "float64"), default="float64")

    add = command.add_argument_group("what the file cannot say about its ellipsoids").add_argument
    add("--semiaxes", nargs="+", metavar="A",
        help="semi-axes: one radius, three lengths, or TYPE:A or TYPE:A,B,C for each type")
    add("--stored-sizes", choices=("diameters", "semiaxes"), help="what the stored sizes are")
    add("--quaternion-order", choices=("wxyz", "xyzw"), help="order of the stored quaternions")
    add("--space-to-body", action="store_true", help="the stored quaternions are the inverse ones")

    add = command.add_argument_group("ellipsoids made of atoms").add_argument
    add("--coarse-grain", action="store_true", help="make one ellipsoid of each molecule")
    add("--molecule-types", type=_molecule_type, nargs="+", metavar="FORMULA=T",
        help="type of each kind of molecule, where there are several")
    # fmt: on
    return parser
