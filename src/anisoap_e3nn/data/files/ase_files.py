"""Files that ASE reads, one frame at a time."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from .stored_frame import Array, StoredFrame


def count_frames(path: Path) -> int | None:
    """Count the frames of extended XYZ; None for formats that would have to be read for it."""
    if _format(path) != "extxyz":
        return None
    with _open_text(path) as file:
        return sum(1 for _ in _xyz_texts(file))


def iterate_atoms(path: Path) -> Iterator[Any]:
    """Yield each frame as ``ase.Atoms``.

    Extended XYZ is read one frame at a time; how much of another format is held at once is up to
    ASE.
    """
    format = _format(path)
    if format != "extxyz":
        from ase.io import iread

        yield from iread(path, ":", format=format, do_not_split_by_at_sign=True)
        return
    from ase.io.extxyz import read_xyz

    # ASE's own reader indexes the whole file first, which grows with the number of frames.
    with _open_text(path) as file:
        try:
            for text in _xyz_texts(file):
                yield from read_xyz(StringIO(text), 0)
        except KeyError as error:
            raise ValueError(
                f"ASE knows no element {error}: use X for particles that are none"
            ) from error


def iterate_frames(path: Path) -> Iterator[StoredFrame]:
    """Yield each frame, with atomic numbers as types (ASE's X is 0) and all arrays as columns.

    Energies, forces and stress come from the calculator that ASE attaches, torques from an array of
    that name.
    """
    for atoms in iterate_atoms(path):
        targets = calculated_targets(atoms)
        if "torques" in atoms.arrays:
            targets["torques"] = atoms.arrays["torques"]
        yield frame_of(atoms, targets)


def frame_of(atoms: Any, targets: dict[str, Array] | None = None) -> StoredFrame:
    """Atoms with atomic numbers as types (ASE's X is 0) and all arrays as columns."""
    lost = [
        f"Its header is damaged (it declares {key!r}), so they are lost. "
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
    """Energy (1,), forces (N, 3) and stress (1, 3, 3), each where the frame has it."""
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
        raise ImportError('this file needs ASE: pip install "anisoap-e3nn[ase]"') from error
    if path.stat().st_size == 0:
        return "extxyz"  # no frames in any format, and ASE does not say which it is
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
            raise ValueError(f"expected a number of particles, found {header.strip()!r}") from None
        lines = [header, *(file.readline() for _ in range(number + 1))]
        if not lines[-1]:
            raise ValueError(f"the frame should hold {number} particles: the file is cut short")
        header = file.readline()
        while header.startswith("VEC"):  # cell vectors of old files, written as atoms
            lines.append(header)
            header = file.readline()
        yield "".join(lines)
