"""Frames of files that ASE reads, one at a time."""

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ...arguments import periodic_axes
from . import extended_xyz, lammps_atoms
from .column_names import TYPE_NAMES, plain
from .number_columns import Array, integers
from .stored_frame import StoredFrame


def count_frames(path: Path) -> int | None:
    """Count the frames of extended XYZ; None for formats that must be read to count them."""
    return extended_xyz.count_frames(path) if _format(path) == "extxyz" else None


def iterate_atoms(path: Path) -> Iterator[Any]:
    """Yield each frame as ``ase.Atoms``.

    Extended XYZ and text dumps of LAMMPS are read one frame at a time. For other formats ASE decides how much
    is in memory.

    Raises
    ------
    ValueError
        If ASE fails, with whatever error.
    """
    format = _format(path)
    if format == "extxyz":
        yield from extended_xyz.iterate_atoms(path)
        return
    if format == "lammps-dump-text":  # ASE takes types for elements, and leaves masses out
        yield from lammps_atoms.iterate_atoms(path)
        return
    from ase.io import iread

    frames = iter(iread(path, ":", format=format, do_not_split_by_at_sign=True))
    while True:
        try:
            atoms = next(frames, None)
        except Exception as error:  # of any kind: readers of ASE check little
            raise ValueError(
                f"cannot be read as {format}, the format that ASE takes it for: "
                f"{type(error).__name__}: {error}"
            ) from error
        if atoms is None:
            return
        if format.startswith("lammps-dump") and atoms.calc is not None:
            atoms.calc.results.pop("energy", None)  # ASE invents an energy of 0
        yield atoms


def atoms_of_file(
    path: str | PathLike[str], pbc: bool | Sequence[bool] | None = None
) -> Iterator[Any]:
    """Frames as ``ase.Atoms``, with these periodic axes instead of those that the file names."""
    frames = iterate_atoms(Path(path))
    if pbc is None:
        return frames
    axes = periodic_axes("pbc", pbc)

    def with_axes(atoms: Any) -> Any:
        atoms.pbc = axes
        return atoms

    return map(with_axes, frames)


def iterate_frames(path: Path) -> Iterator[StoredFrame]:
    """Yield the frames of a file as :func:`frame_of` converts them, with their targets.

    Energies, forces and stress come from the calculator that ASE attaches, torques from the array
    ``torques``.
    """
    for atoms in iterate_atoms(path):
        targets = calculated_targets(atoms)
        if "torques" in atoms.arrays:
            targets["torques"] = atoms.arrays["torques"]
        yield frame_of(atoms, targets)


def frame_of(atoms: Any, targets: dict[str, Array] | None = None) -> StoredFrame:
    """Stored frame of atoms: arrays become columns.

    Types are atomic numbers. If all are 0, ASE's X, they are the column `type`, `types`, `typeid` or
    `particle_type`, if there is one.
    """
    lost = [
        f" (the header is damaged: it declares {key!r})"
        for key in atoms.info
        if "c_diameter" in key
    ]
    return StoredFrame(
        positions=atoms.positions,
        types=_types(atoms),
        cell=atoms.cell.array,
        pbc=atoms.pbc,
        columns={k: v for k, v in atoms.arrays.items() if k not in ("positions", "numbers")},
        targets=targets or {},
        remark=lost[0] if lost else "",
    )


def _types(atoms: Any) -> Array:
    named = {plain(name): values for name, values in atoms.arrays.items()}
    found = {name: integers(name, named[name]) for name in TYPE_NAMES if name in named}
    if np.any(atoms.numbers) or not found:
        return np.asarray(atoms.numbers)
    (first, types), *others = found.items()
    for other, values in others:
        if not np.array_equal(types, values):
            raise ValueError(
                f"the columns {first!r} and {other!r} hold different types; "
                "remove the wrong one from the file"
            )
    return types


def calculated_targets(atoms: Any) -> dict[str, Array]:
    """Energy (1,), forces (N, 3) and stress (1, 3, 3) of the calculator, where it has them."""
    results = atoms.calc.results if atoms.calc is not None else {}
    targets: dict[str, Array] = {}
    if "energy" in results:
        targets["energy"] = np.reshape(results["energy"], 1)
    if "forces" in results:
        targets["forces"] = results["forces"]
    if "stress" in results:
        from ase.stress import voigt_6_to_full_3x3_stress

        stress = np.asarray(results["stress"])
        full = voigt_6_to_full_3x3_stress(stress) if stress.shape == (6,) else stress
        targets["stress"] = full.reshape(1, 3, 3)
    return targets


def _format(path: Path) -> str:
    try:
        from ase.io.formats import UnknownFileTypeError, filetype, get_ioformat
    except ImportError as error:
        raise ImportError(
            'ASE is not installed, but this file needs it: pip install "anisoap-e3nn[ase]"'
        ) from error
    if path.stat().st_size == 0:
        return "extxyz"  # ASE cannot tell the format of an empty file, which has no frames in any
    try:
        return str(get_ioformat(filetype(str(path))).name)
    except UnknownFileTypeError as error:
        raise ValueError("ASE does not know the format of this file") from error
    except OSError as error:
        if error.errno is not None:  # of the operating system, not of the contents
            raise
        raise ValueError(f"is cut short or damaged: {error}") from error
    except Exception as error:  # of any kind, from the formats that ASE tries
        raise ValueError(f"ASE cannot tell the format: {type(error).__name__}: {error}") from error
