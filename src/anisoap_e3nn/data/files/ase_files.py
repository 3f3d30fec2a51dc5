"""Frames of files that ASE reads, one at a time."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from .stored_frame import Array, StoredFrame


def count_frames(path: Path) -> int | None:
    """Count the frames of extended XYZ; None for formats that must be read to count them."""
    if _format(path) != "extxyz":
        return None
    with _open_text(path) as file:
        return sum(1 for _ in _xyz_texts(file))


def iterate_atoms(path: Path) -> Iterator[Any]:
    """Yield each frame as ``ase.Atoms``.

    Extended XYZ is read one frame at a time. For other formats ASE decides how much is in memory.
    """
    format = _format(path)
    if format != "extxyz":
        from ase.io import iread

        yield from iread(path, ":", format=format, do_not_split_by_at_sign=True)
        return
    from ase.io.extxyz import read_xyz

    # ASE's own reader first indexes the whole file, in memory that grows with the number of frames
    with _open_text(path) as file:
        try:
            for text in _xyz_texts(file):
                yield from read_xyz(StringIO(text), 0)
        except KeyError as error:
            raise ValueError(
                f"found the element {error}, which ASE does not know; use X for other particles"
            ) from error


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
    """Stored frame of atoms: types are atomic numbers (ASE's X is 0), arrays become columns."""
    lost = [
        f" (the header is damaged: it declares {key!r})"
        for key in atoms.info
        if "c_diameter" in key
    ]
    return StoredFrame(
        positions=atoms.positions,
        types=atoms.numbers,
        cell=atoms.cell.array,
        pbc=atoms.pbc,
        columns={k: v for k, v in atoms.arrays.items() if k not in ("positions", "numbers")},
        targets=targets or {},
        remark=lost[0] if lost else "",
    )


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
        raise ValueError(f"ASE does not know the format of {path}") from error


def _open_text(path: Path) -> TextIO:
    from ase.io.formats import open_with_compression

    file: TextIO = open_with_compression(str(path), "r")
    return file


def _xyz_texts(file: TextIO) -> Iterator[str]:
    """Yield the lines of each frame of an extended XYZ file."""
    header = file.readline()
    while header.strip():
        try:
            number = int(header)
        except ValueError:
            raise ValueError(f"found {header.strip()!r}, expected a number of particles") from None
        lines = [header, *(file.readline() for _ in range(number + 1))]
        if not lines[-1]:
            raise ValueError(f"the file ends early, expected {number} particles in the frame")
        header = file.readline()
        while header.startswith("VEC"):  # cell vectors of old files, written as atoms
            lines.append(header)
            header = file.readline()
        yield "".join(lines)
