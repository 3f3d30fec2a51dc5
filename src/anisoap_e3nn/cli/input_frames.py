"""Frames of the input file of a command, and the options that say how to read it."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from ..data import EllipsoidData

_READER_OPTIONS = ("semiaxes", "stored_sizes", "quaternion_order", "space_to_body")


def add_input_options(command: argparse.ArgumentParser) -> None:
    """Add the options that :func:`input_frames` looks at."""
    # fmt: off
    add = command.add_argument_group("conventions of the input file").add_argument
    add("--semiaxes", nargs="+", metavar="A",
        help="semi-axes: one radius, three lengths, or TYPE:A or TYPE:A,B,C for each type")
    add("--stored-sizes", choices=("diameters", "semiaxes"), help="meaning of the stored sizes")
    add("--quaternion-order", choices=("wxyz", "xyzw"), help="order of the stored quaternions")
    add("--space-to-body", action="store_true", help="the stored quaternions rotate from space to body")

    add("--pbc", nargs="+", metavar="T|F",
        help="which axes are periodic, one word for all or for each, as in T T F (default: as in the file)")

    add = command.add_argument_group("ellipsoids from atoms").add_argument
    add("--coarse-grain", action="store_true", help="turn each molecule into an ellipsoid")
    add("--molecule-types", type=molecule_type, nargs="+", metavar="FORMULA=T",
        help="type of each molecular formula, if there are several")
    # fmt: on


def input_frames(options: argparse.Namespace, dtype: "torch.dtype") -> Iterator["EllipsoidData"]:
    """Read ``options.input`` frame by frame.

    Raises
    ------
    ValueError
        If options contradict each other, or a frame cannot be read.
    """
    from ..data import iterate_coarse_grained, iterate_ellipsoids

    given = [name for name in _READER_OPTIONS if getattr(options, name)]
    if options.coarse_grain and given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ValueError(
            f"found {names} with --coarse-grain, which reads atoms; use them only for files of ellipsoids"
        )
    if options.molecule_types and not options.coarse_grain:
        raise ValueError("found --molecule-types without --coarse-grain; add --coarse-grain")
    if options.coarse_grain:
        molecule_types = dict(options.molecule_types) if options.molecule_types else None
        return iterate_coarse_grained(
            options.input, types=molecule_types, pbc=pbc_of(options.pbc), dtype=dtype
        )
    return iterate_ellipsoids(
        options.input,
        semiaxes=_semiaxes(options.semiaxes),
        stored_sizes=options.stored_sizes,
        quaternion_order=options.quaternion_order,
        space_to_body=options.space_to_body,
        pbc=pbc_of(options.pbc),
        dtype=dtype,
    )


def molecule_type(word: str) -> tuple[str, int]:
    """Formula and type of a word such as ``C6H6=0``."""
    formula, _, type_ = word.partition("=")
    if not type_.isdecimal():
        raise argparse.ArgumentTypeError(f"found {word!r}, expected FORMULA=TYPE, such as C6H6=0")
    return formula, int(type_)


def pbc_of(words: list[str] | None) -> list[bool] | None:
    """Periodic axes for the readers, of one word for all axes or one for each."""
    if words is None:
        return None
    if len(words) not in (1, 3) or not set(words) <= {"T", "F"}:
        raise ValueError(
            f"--pbc is {' '.join(words)}, expected T or F for all axes, or for each (T T F)"
        )
    flags = [word == "T" for word in words]
    return flags * 3 if len(flags) == 1 else flags


def _semiaxes(words: list[str] | None) -> Any:
    """Semi-axes for the readers: one radius, three lengths, or a mapping from types to either."""
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
            f"--semiaxes is {' '.join(words)}, expected one radius (1.5), three lengths (2 2 0.25), or "
            "either by type (6:1.7 1:1.1,1.1,1.1)"
        ) from None
    return sizes
