"""The command line: ``anisoap-e3nn featurize``."""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tqdm import tqdm

if TYPE_CHECKING:
    from .data import EllipsoidData

# Frames are embedded together up to so many particles: few enough that memory stays small, enough
# that the cost of each call does not count.
_PARTICLES_AT_ONCE = 512
_READER_OPTIONS = ("semiaxes", "stored_sizes", "quaternion_order", "space_to_body")


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


def featurize(options: argparse.Namespace) -> None:
    """Write the coefficients of every particle of a file to another file, frame by frame."""
    from .data import count_frames
    from .data.feature_file import FeatureFile, refuse_output
    from .nn import AniSOAPEmbedding

    refuse_output(options.output, options.overwrite)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    dtype = getattr(torch, options.dtype)
    start = time.perf_counter()
    types, total = options.types, None
    if types is None:
        types, total = _look_for_types(_frames(options), options.input)
    else:
        total = count_frames(options.input)
    max_radial = options.max_radial[0] if len(options.max_radial or ()) == 1 else options.max_radial
    embedding = AniSOAPEmbedding(
        types=types,
        cutoff=options.cutoff,
        max_angular=options.max_angular,
        max_radial=max_radial,
        radial_basis=options.radial_basis,
        radial_gaussian_width=options.radial_gaussian_width,
        rcond=options.rcond,
        cutoff_function=options.cutoff_function,
        include_self=not options.no_self,
    ).to(dtype)
    frames = particles = pairs = 0
    with (
        FeatureFile(options.output, embedding.irreps_out.dim, dtype, options.overwrite) as output,
        tqdm(total=total, desc="featurize", unit="frame", disable=None) as progress,
    ):
        for batch in _batches(_frames(options)):
            batch = batch.with_edges(embedding.cutoff)
            with torch.no_grad():
                features = embedding(batch)  # -> [particle, irreps_out.dim]
            output.append(features, batch.types, batch.ptr.diff())
            frames += batch.num_graphs
            particles += batch.num_nodes
            pairs += batch.num_edges
            progress.update(batch.num_graphs)
        size = output.finish(_texts(embedding))
    seconds = time.perf_counter() - start
    print(
        f"wrote      {options.output}, {size / 1e6:.3g} MB\n"
        f"frames     {frames}\n"
        f"particles  {particles}, of types {types}\n"
        f"pairs      {pairs} within {embedding.cutoff:g}, counted from both ends\n"
        f"features   {embedding.irreps_out.dim} for each particle: {embedding.irreps_out}\n"
        f"time       {seconds:.3g} s, {particles / seconds:.3g} particles/s"
    )


def _frames(options: argparse.Namespace) -> Iterator["EllipsoidData"]:
    from .data import iterate_coarse_grained, iterate_ellipsoids

    given = [name for name in _READER_OPTIONS if getattr(options, name)]
    if options.coarse_grain and given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ValueError(
            f"{names} are about ellipsoids in a file, --coarse-grain makes them of atoms"
        )
    if options.molecule_types and not options.coarse_grain:
        raise ValueError("--molecule-types needs --coarse-grain")
    if options.coarse_grain:
        molecule_types = dict(options.molecule_types) if options.molecule_types else None
        return iterate_coarse_grained(
            options.input, types=molecule_types, dtype=getattr(torch, options.dtype)
        )
    return iterate_ellipsoids(
        options.input,
        semiaxes=_semiaxes(options.semiaxes),
        stored_sizes=options.stored_sizes,
        quaternion_order=options.quaternion_order,
        space_to_body=options.space_to_body,
        dtype=getattr(torch, options.dtype),
    )


def _look_for_types(frames: Iterable["EllipsoidData"], path: Path) -> tuple[list[int], int]:
    types: set[int] = set()
    frames = tqdm(frames, desc="look for types", unit="frame", disable=None, leave=False)
    number = 0
    for number, data in enumerate(frames, start=1):  # noqa: B007, counted for the caller
        types.update(data.types.tolist())
    if not types:
        raise ValueError(f"{path} holds no particles, so their types have to be given: --types")
    return sorted(types), number


def _batches(frames: Iterable["EllipsoidData"]) -> Iterator[Any]:
    from torch_geometric.data import Batch

    waiting: list[EllipsoidData] = []
    particles = 0
    for data in frames:
        waiting.append(_without_targets(data))
        particles += len(data.pos)
        if max(particles, len(waiting)) >= _PARTICLES_AT_ONCE:
            yield Batch.from_data_list(waiting)
            waiting, particles = [], 0
    if waiting:
        yield Batch.from_data_list(waiting)


def _without_targets(data: "EllipsoidData") -> "EllipsoidData":
    # some frames of a file may have energies and others not, which cannot be batched together
    for name in ("energy", "forces", "stress", "torques"):
        if name in data:
            del data[name]
    return data


def _texts(embedding: Any) -> dict[str, Any]:
    from . import __version__

    return {
        "irreps": str(embedding.irreps_out),
        "channels": list(embedding.channels),
        "hyperparameters": json.dumps(embedding.hyperparameters),
        "version": __version__,
    }


def _semiaxes(words: list[str] | None) -> Any:
    """One radius, three lengths, or a mapping from types to either, as the readers take them."""
    if words is None:
        return None
    try:
        if not any(":" in word for word in words):
            lengths = [float(word) for word in words]
            return lengths[0] if len(lengths) == 1 else lengths
        sizes = {}
        for word in words:
            type_, _, size = word.partition(":")
            lengths = [float(part) for part in size.split(",")]
            sizes[int(type_)] = lengths[0] if len(lengths) == 1 else lengths
    except ValueError:
        raise ValueError(
            "--semiaxes takes one radius (1.5), three lengths (2 2 0.25), or these by type "
            f"(6:1.7 1:1.1,1.1,1.1), found {' '.join(words)}"
        ) from None
    return sizes


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
    from . import __version__

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
    add("-o", "--output", type=Path, required=True, metavar="OUT.{npz,pt}", help="file to write")
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


if __name__ == "__main__":
    sys.exit(main())
