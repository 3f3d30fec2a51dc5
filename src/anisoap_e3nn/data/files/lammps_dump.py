"""Text dumps of LAMMPS, one frame at a time."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np

from .column_names import tells_shape
from .number_columns import Array, count_of, finite_numbers, integers, shortened
from .stored_frame import StoredFrame
from .text_file import blank_lines_skipped, first_lines, open_text, refused_damage

# names of coordinates, and whether they are scaled; the first complete triple is used
_COORDINATES = [
    (("x", "y", "z"), False),
    (("xu", "yu", "zu"), False),
    (("xs", "ys", "zs"), True),
    (("xsu", "ysu", "zsu"), True),
]
_TARGETS = {"forces": ("fx", "fy", "fz"), "torques": ("tqx", "tqy", "tqz")}
_NUMBERS = {name for names, _ in _COORDINATES for name in names} | {
    name for names in _TARGETS.values() for name in names
}
_FLAG = re.compile(r"pp?|[fsm]{1,2}")


def is_readable(path: Path) -> bool:
    """Whether the file begins as LAMMPS text dumps do."""
    return any(line.startswith("ITEM:") for line in first_lines(path, 1))


def count_frames(path: Path) -> int:
    """Count the frames without interpreting them."""
    with refused_damage("a text dump of LAMMPS"), open_text(path) as file:
        return sum(line.startswith("ITEM: TIMESTEP") for line in file)


def iterate_frames(path: Path) -> Iterator[StoredFrame]:
    r"""Yield the frames of a text dump (``dump custom``).

    Particles are sorted by the column `id`, if there is one. Their types are the column `type` or, without
    it, the atomic numbers of the column `element`.
    Coordinates may be ``x y z``, unwrapped ``xu yu zu``, or scaled ``xs ys zs``, ``xsu ysu zsu``.
    Boxes may be orthogonal, restricted triclinic (with the bounds of the bounding box) or general
    triclinic (``abc origin``). Axes with the flag ``pp`` are periodic; without flags all axes are.
    ``fx fy fz`` become forces and ``tqx tqy tqz`` torques, which LAMMPS writes in the space frame.

    With ``dump_modify triclinic/general`` LAMMPS rotates positions, forces and torques into the
    frame of the general box, but not the output of computes, such as quaternions. The `rotation`
    of the frame corrects for it.
    """
    with refused_damage("a text dump of LAMMPS"), open_text(path) as file:
        while header := blank_lines_skipped(file):
            if header.startswith(("ITEM: UNITS", "ITEM: TIME\n")):
                file.readline()
                continue
            if not header.startswith("ITEM: TIMESTEP"):
                raise ValueError(f"found {shortened(header)}, expected 'ITEM: TIMESTEP'")
            timestep = file.readline().strip()
            try:
                frame = _frame(file)
            except ValueError as error:
                raise ValueError(f"timestep {timestep}: {error}") from error
            yield frame


def _frame(file: TextIO) -> StoredFrame:
    _expect(file, "ITEM: NUMBER OF ATOMS")
    number = count_of(file.readline(), "particles")
    cell, origin, pbc, general = _box(_expect(file, "ITEM: BOX BOUNDS"), file)
    names = _expect(file, "ITEM: ATOMS")
    rows = [line.split() for line in islice(file, number)]
    if len(rows) < number or any(len(row) != len(names) for row in rows):
        raise ValueError(
            f"the frame is cut short or damaged, expected {number} lines of {len(names)} columns"
        )
    columns = _columns(names, rows)
    types = _types(columns)
    if "id" in columns:
        order = _order(integers("id", columns["id"]))
        columns = {name: values[order] for name, values in columns.items()}
        types = types[order]
    targets = {
        target: np.stack([columns[part] for part in parts], axis=-1)
        for target, parts in _TARGETS.items()
        if all(part in columns for part in parts)
    }
    return StoredFrame(
        positions=_positions(columns, cell, origin),
        types=types,
        cell=cell,
        pbc=pbc,
        columns=columns,
        targets=targets,
        rotation=_rotation_to_general(cell) if general else None,
    )


def _expect(file: TextIO, section: str) -> list[str]:
    line = file.readline()
    while line.startswith(("ITEM: UNITS", "ITEM: TIME\n")):
        file.readline()
        line = file.readline()
    if not line.startswith(section):
        raise ValueError(f"found {shortened(line)}, expected {section!r}")
    return line[len(section) :].split()


def _columns(names: list[str], rows: list[list[str]]) -> dict[str, Array]:
    table = np.array(rows, dtype=str).reshape(len(rows), len(names))  # -> [N, columns]
    columns: dict[str, Array] = {}
    for k, name in enumerate(names):
        values = table[:, k]
        if name in _NUMBERS or (tells_shape(name) and name != "type"):
            values = finite_numbers(name, values)
        if name in columns and not np.array_equal(columns[name], values):
            raise ValueError(
                f"found two different columns {name!r}; remove the wrong one from the file"
            )
        columns[name] = values
    return columns


def _types(columns: dict[str, Array]) -> Array:
    if "type" not in columns and "element" in columns:
        return numbers_of_symbols(columns["element"])
    if "type" not in columns:
        raise ValueError("the dump has no column 'type'; add it to the dump command")
    words = columns["type"]
    label = next((word for word in words.tolist() if not re.match(r"[-+.\d]|nan|inf", word)), None)
    if label is not None:
        raise ValueError(
            f"column 'type' holds the label {label!r}, expected integers; write the dump with "
            "'dump_modify ID types numeric', or replace the labels"
        )
    return integers("type", words)


def numbers_of_symbols(symbols: Array) -> Array:
    """Atomic numbers of the words of a column `element`."""
    try:
        from ase.data import atomic_numbers
    except ImportError as error:
        raise ImportError(
            "ASE is not installed, but elements instead of the column 'type' need it: pip install "
            '"anisoap-e3nn[ase]"'
        ) from error
    unknown = next((s for s in symbols.tolist() if s not in atomic_numbers), None)
    if unknown is not None:
        raise ValueError(
            f"the column 'element' holds {unknown!r}, expected symbols of elements; name those of the "
            "types by dump_modify ID element C H ..."
        )
    return np.array([atomic_numbers[s] for s in symbols.tolist()], dtype=np.int64)


def _order(ids: Array) -> Array:
    order = np.argsort(ids, kind="stable")
    repeated = ids[order][1:][np.diff(ids[order]) == 0]
    if len(repeated):
        raise ValueError(
            f"column 'id': found {repeated[0]} more than once, expected each particle once"
        )
    return order


def _box(words: list[str], file: TextIO) -> tuple[Array, Array, Array, bool]:
    """Cell, origin, periodicity, and whether the box is general triclinic."""
    names, flags = ["low", "high"], words
    if words[:3] == ["xy", "xz", "yz"]:
        names, flags = ["low", "high", "tilt"], words[3:]
    elif words[:2] == ["abc", "origin"]:
        names, flags = ["x", "y", "z", "origin"], words[2:]
    if len(flags) not in (0, 3) or not all(_FLAG.fullmatch(flag) for flag in flags):
        raise ValueError(
            f"BOX BOUNDS has {' '.join(words)!r}, expected three flags such as 'pp pp ff', after "
            "'xy xz yz' or 'abc origin' if the box is tilted, or no flags (periodic)"
        )
    lines = [file.readline().split() for _ in range(3)]
    if any(len(line) != len(names) for line in lines):
        found = " / ".join(" ".join(line) for line in lines)
        raise ValueError(
            f"the box is {shortened(found)}, expected three lines of {len(names)} numbers: "
            f"{', '.join(names)}"
        )
    box = finite_numbers("BOX BOUNDS", np.array(lines, dtype=str))  # -> [3, 2 to 4]
    pbc = np.array([flag.startswith("p") for flag in flags or ["pp"] * 3])
    if len(names) == 4:
        if not np.linalg.det(box[:, :3]) > 0:
            raise ValueError("the box vectors abc are not right-handed, as those of LAMMPS are")
        return box[:, :3], box[:, 3], pbc, True
    return *_restricted(box), pbc, False


def _restricted(box: Array) -> tuple[Array, Array]:
    xy, xz, yz = box[:, 2] if box.shape[1] == 3 else np.zeros(3)
    low, high = box[:, 0].copy(), box[:, 1].copy()
    low[0] -= min(0.0, xy, xz, xy + xz)
    high[0] -= max(0.0, xy, xz, xy + xz)
    low[1] -= min(0.0, yz)
    high[1] -= max(0.0, yz)
    for axis, a, b in zip("xyz", low, high, strict=True):
        if a > b:
            raise ValueError(
                f"the box reaches from {a:g} to {b:g} along {axis}, expected low ≤ high"
            )
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
