"""Text dumps of LAMMPS, one frame at a time."""

import gzip
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np

from .stored_frame import Array, StoredFrame

# names of coordinates, and whether they are scaled; the first complete triple is used
_COORDINATES = [
    (("x", "y", "z"), False),
    (("xu", "yu", "zu"), False),
    (("xs", "ys", "zs"), True),
    (("xsu", "ysu", "zsu"), True),
]


def open_dump(path: Path) -> TextIO:
    """Open a dump for reading, compressed by gzip or not."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def is_dump(path: Path) -> bool:
    """Whether the file begins as LAMMPS text dumps do."""
    with open_dump(path) as file:
        try:
            return file.readline(64).startswith("ITEM:")
        except (UnicodeDecodeError, gzip.BadGzipFile):
            return False


def count_frames(path: Path) -> int:
    """Count the frames without interpreting them."""
    with open_dump(path) as file:
        return sum(line.startswith("ITEM: TIMESTEP") for line in file)


def iterate_frames(path: Path) -> Iterator[StoredFrame]:
    r"""Yield the frames of a text dump (``dump custom``).

    Particles are sorted by the column `id`, if there is one. Their types are the column `type`.
    Coordinates may be ``x y z``, unwrapped ``xu yu zu``, or scaled ``xs ys zs``, ``xsu ysu zsu``.
    Boxes may be orthogonal, restricted triclinic (with the bounds of the bounding box) or general
    triclinic (``abc origin``). Axes with the flag ``pp`` are periodic; without flags all axes are.
    ``fx fy fz`` become forces and ``tqx tqy tqz`` torques, which LAMMPS writes in the space frame.

    With ``dump_modify triclinic/general`` LAMMPS rotates positions, forces and torques into the
    frame of the general box, but not the output of computes, such as quaternions. The `rotation`
    of the frame corrects for it.
    """
    with open_dump(path) as file:
        while True:
            header = file.readline()
            while header.startswith(("ITEM: UNITS", "ITEM: TIME\n")):
                file.readline()
                header = file.readline()
            if not header.strip():
                return
            if not header.startswith("ITEM: TIMESTEP"):
                raise ValueError(f"found {header.strip()!r}, expected 'ITEM: TIMESTEP'")
            yield _frame(file, timestep=file.readline().strip())


def _frame(file: TextIO, timestep: str) -> StoredFrame:
    where = f"timestep {timestep}"
    _expect(file, "ITEM: NUMBER OF ATOMS", where)
    number = int(file.readline())
    bounds = _expect(file, "ITEM: BOX BOUNDS", where)
    box = np.array([file.readline().split() for _ in range(3)], dtype=np.float64)
    cell, origin = _cell_and_origin(bounds, box)
    names = _expect(file, "ITEM: ATOMS", where)
    rows = [line.split() for line in islice(file, number)]
    if len(rows) < number or any(len(row) != len(names) for row in rows):
        raise ValueError(
            f"{where} is cut short or damaged, expected {number} lines of {len(names)} columns"
        )
    table = np.array(rows, dtype=str).reshape(number, len(names))  # -> [N, columns]
    columns = {name: _numbers(table[:, k]) for k, name in enumerate(names)}
    if "type" not in columns:
        raise ValueError("the dump has no column 'type'; add it to the dump command")
    if "id" in columns:
        order = np.argsort(columns["id"], kind="stable")
        columns = {name: values[order] for name, values in columns.items()}
    flags = bounds[-3:] if len(bounds) >= 3 and len(bounds[-1]) == 2 else ["pp"] * 3
    targets = {}
    for target, parts in {"forces": "fx fy fz", "torques": "tqx tqy tqz"}.items():
        if all(part in columns for part in parts.split()):
            targets[target] = np.stack([columns[part] for part in parts.split()], axis=-1)
    return StoredFrame(
        positions=_positions(columns, cell, origin),
        types=columns["type"].astype(np.int64),
        cell=cell,
        pbc=np.array([flag == "pp" for flag in flags]),
        columns=columns,
        targets=targets,
        rotation=_rotation_to_general(cell) if "abc" in bounds else None,
    )


def _expect(file: TextIO, section: str, where: str) -> list[str]:
    line = file.readline()
    if not line.startswith(section):
        raise ValueError(f"{where}: found {line.strip()!r}, expected {section!r}")
    return line[len(section) :].split()


def _numbers(words: Array) -> Array:
    try:
        return words.astype(np.float64)
    except ValueError:
        return words  # names, as in the column element


def _cell_and_origin(bounds: list[str], box: Array) -> tuple[Array, Array]:
    if "abc" in bounds:
        return box[:, :3], box[:, 3]
    tilt = box[:, 2] if "xy" in bounds else np.zeros(3)
    xy, xz, yz = tilt
    low, high = box[:, 0].copy(), box[:, 1].copy()
    low[0] -= min(0.0, xy, xz, xy + xz)
    high[0] -= max(0.0, xy, xz, xy + xz)
    low[1] -= min(0.0, yz)
    high[1] -= max(0.0, yz)
    lx, ly, lz = high - low
    return np.array([[lx, 0.0, 0.0], [xy, ly, 0.0], [xz, yz, lz]]), low


def _positions(columns: dict[str, Array], cell: Array, origin: Array) -> Array:
    for names, scaled in _COORDINATES:
        if all(name in columns for name in names):
            triple = np.stack([columns[name] for name in names], axis=-1)  # -> [N, 3]
            return origin + triple @ cell if scaled else triple
    raise ValueError(
        f"found the columns {', '.join(columns)}, expected complete coordinates: x y z, xu yu zu, "
        "xs ys zs or xsu ysu zsu"
    )


def _rotation_to_general(cell: Array) -> Array:
    # A restricted cell is lower triangular with a positive diagonal: cellᵀ = rotation · restrictedᵀ.
    rotation, upper = np.linalg.qr(cell.T)
    return np.asarray(rotation * np.sign(np.diag(upper)))  # -> [3, 3]
