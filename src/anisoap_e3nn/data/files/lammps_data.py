"""Data files of LAMMPS (``write_data``)."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .number_columns import Array, count_of, finite_numbers, integers
from .stored_frame import StoredFrame
from .text_file import first_lines, open_text, refused_damage

# columns of each atom style: type, first coordinate, number without image flags
_STYLES = {
    "ellipsoid": (1, 4, 7),
    "sphere": (1, 4, 7),
    "atomic": (1, 2, 5),
    "charge": (1, 3, 6),
    "bond": (2, 3, 6),
    "angle": (2, 3, 6),
    "molecular": (2, 3, 6),
    "full": (2, 4, 7),
    "hybrid": (1, 2, None),  # the columns of the other styles follow
}
_COUNT = re.compile(r"\s*(\S+)\s+(atoms|ellipsoids)\s*$")
_BOUNDS = re.compile(r"\s*(\S+)\s+(\S+)\s+([xyz])lo\s+\3hi\s*$")
_TILT = re.compile(r"\s*(\S+)\s+(\S+)\s+(\S+)\s+xy\s+xz\s+yz\s*$")
_GENERAL = re.compile(r".*\b(avec|bvec|cvec)\s*$")


def is_readable(path: Path) -> bool:
    """Whether the file has the header of a data file: a number of atoms and the box."""
    lines = [line.partition("#")[0] for line in first_lines(path, 60)[1:]]
    counts = any((match := _COUNT.match(line)) and match[2] == "atoms" for line in lines)
    return counts and any(_BOUNDS.match(line) or _GENERAL.match(line) for line in lines)


def count_frames(path: Path) -> int:
    """One: a data file is one frame."""
    return 1


def iterate_frames(path: Path) -> Iterator[StoredFrame]:
    """Yield the frame of a data file.

    Particles are sorted by their ID. The atom style is the comment of the section ``Atoms``; without
    one it is ``ellipsoid`` if the file has ellipsoids. Sizes and orientations come from the section
    ``Ellipsoids``: diameters, then (w, x, y, z). Particles that are not in it are points, of style
    ``sphere`` they are spheres. The file does not tell the boundary conditions: all axes are taken as
    periodic, as LAMMPS does by default. Labels of types are replaced by their numbers.
    """
    with refused_damage("a data file of LAMMPS"), open_text(path) as file:
        lines = file.read().splitlines()
    header, sections, style = _sections(lines[1:])
    counts = {m[2]: count_of(m[1], m[2]) for line in header if (m := _COUNT.match(line))}
    number = counts.get("atoms", 0)
    if "Atoms" not in sections:
        raise ValueError(f"found no section Atoms, expected {number} atoms; is the file cut short?")
    style = style or ("ellipsoid" if counts.get("ellipsoids") else "")
    if style not in _STYLES:
        raise ValueError(
            f"found the atom style {style!r} of the section Atoms, expected one of {list(_STYLES)}; "
            "write it as a comment: Atoms # ellipsoid"
        )
    type_column, first, width = _STYLES[style]
    rows = _table("Atoms", sections["Atoms"], number, width)
    ids = integers("Atoms, ID", rows[:, 0])
    order = _order("Atoms", ids)
    labels = {row[1]: row[0] for row in map(str.split, sections.get("Atom Type Labels", []))}
    types = np.array([labels.get(word, word) for word in rows[order, type_column].tolist()])
    yield StoredFrame(
        positions=finite_numbers("Atoms, x y z", rows[order, first : first + 3]),
        types=integers("Atoms, type", types),
        cell=_cell(header),
        pbc=np.array([True] * 3),
        columns=_shapes(style, rows[order], ids[order], sections, counts.get("ellipsoids", 0)),
    )


def _sections(lines: list[str]) -> tuple[list[str], dict[str, list[str]], str]:
    """Lines of the header, lines of each section, and the comment of the section Atoms."""
    header: list[str] = []
    sections: dict[str, list[str]] = {}
    style, current = "", header
    for line in lines:
        text, _, comment = line.partition("#")
        text = text.strip()
        if not text:
            continue
        if re.match(r"[A-Z]", text):
            if text in sections:
                raise ValueError(f"found the section {text} twice; remove one of them")
            current = sections[text] = []
            if text == "Atoms":
                style = (comment.split() or [""])[0]
        else:
            current.append(text)
    return header, sections, style


def _table(section: str, lines: list[str], number: int, width: int | None) -> Array:
    rows = [line.split() for line in lines]
    widths = {len(row) for row in rows}
    legal = (width, width + 3) if width else tuple(widths)  # with image flags
    if len(rows) != number or len(widths) > 1 or not widths <= set(legal):
        raise ValueError(
            f"the section {section} has {len(rows)} lines of {sorted(widths)} columns, expected "
            f"{number} lines of {' or '.join(map(str, legal))}; is the file cut short, or its atom "
            "style another?"
        )
    return np.array(rows, dtype=str).reshape(number, max(widths, default=width or 5))


def _order(section: str, ids: Array) -> Array:
    order = np.argsort(ids, kind="stable")
    repeated = ids[order][1:][np.diff(ids[order]) == 0]
    if len(repeated):
        raise ValueError(f"the section {section} has the ID {repeated[0]} more than once")
    return order


def _cell(header: list[str]) -> Array:
    if any(_GENERAL.match(line) for line in header):
        raise ValueError(
            "found a general triclinic box (avec bvec cvec), expected xlo xhi, ylo yhi, zlo zhi; "
            "write the file without triclinic/general"
        )
    bounds = {m[3]: (m[1], m[2]) for line in header if (m := _BOUNDS.match(line))}
    if len(bounds) < 3:
        raise ValueError(f"found the bounds of {sorted(bounds)}, expected those of x, y and z")
    box = finite_numbers("lo hi", np.array([bounds[axis] for axis in "xyz"], dtype=str))
    tilts = [m.groups() for line in header if (m := _TILT.match(line))]
    xy, xz, yz = finite_numbers("xy xz yz", np.array(tilts[:1] or [("0", "0", "0")], dtype=str))[0]
    lx, ly, lz = box[:, 1] - box[:, 0]
    if min(lx, ly, lz) < 0:
        raise ValueError(f"the box has the lengths {lx:g} {ly:g} {lz:g}, expected lo ≤ hi")
    return np.array([[lx, 0.0, 0.0], [xy, ly, 0.0], [xz, yz, lz]])


def _shapes(
    style: str, rows: Array, ids: Array, sections: dict[str, list[str]], number: int
) -> dict[str, Array]:
    """Columns of sizes and orientations; none where the atom style has no sizes."""
    if style == "sphere":
        return {"diameter": finite_numbers("Atoms, diameter", rows[:, 2])}
    if style != "ellipsoid" and "Ellipsoids" not in sections:
        return {}
    table = _table("Ellipsoids", sections.get("Ellipsoids", []), number, 8)
    owners = integers("Ellipsoids, ID", table[:, 0])
    _order("Ellipsoids", owners)
    missing = sorted(set(owners.tolist()) - set(ids.tolist()))
    if style == "ellipsoid":
        flagged = ids[integers("Atoms, ellipsoidflag", rows[:, 2]) != 0]
        missing += sorted(set(flagged.tolist()) ^ set(owners.tolist()) - set(missing))
    if missing:
        raise ValueError(
            f"the sections Atoms and Ellipsoids disagree about the IDs {missing[:5]}, expected each "
            "atom with ellipsoidflag 1 in both"
        )
    values = np.zeros((len(ids), 7))
    values[np.searchsorted(ids, owners)] = finite_numbers("Ellipsoids", table[:, 1:])
    quaternions = {f"quat{axis}": values[:, 3 + k] for k, axis in enumerate("wijk")}
    return {"shape": values[:, :3], **quaternions}
