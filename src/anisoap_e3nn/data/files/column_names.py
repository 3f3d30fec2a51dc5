"""Column names of orientations, sizes and types, each with the meaning that its maker gives it."""

import re
from typing import Literal, NamedTuple

QuaternionOrder = Literal["wxyz", "xyzw"]
StoredSizes = Literal["diameters", "semiaxes"]


class OrientationName(NamedTuple):
    """Name of a column of quaternions; its order is None if makers of files differ about it."""

    order: QuaternionOrder | None
    components: tuple[tuple[str, ...], ...] = ()  # names that tell their component, w first


class SizeName(NamedTuple):
    """Name of a column of three sizes, and whether 0 0 0 means a sphere of unknown radius."""

    meaning: StoredSizes
    components: tuple[tuple[str, ...], ...] = ()
    zero_is_unknown: bool = False


# AniSOAP: c_q, quaternions, c_diameter. LAMMPS (compute property/atom): quatw …, shapex …, and c_NAME[k],
# where NAME is the user's. OVITO: Orientation, AsphericalShape, also with .X …, c_orient, c_shape. This
# package: orientations, semiaxes. OVITO maps c_orient to x, y, z, w, as its manual told LAMMPS to write it
# until version 3.7; other scripts of LAMMPS write quatw first under this name.
ORIENTATION_NAMES: dict[str, OrientationName] = {
    "c_q": OrientationName("wxyz"),
    "c_quat": OrientationName("wxyz"),
    "c_orient": OrientationName(None),
    "quat": OrientationName(
        "wxyz", (("quatw", "quati", "quatj", "quatk"), ("quatw", "quatx", "quaty", "quatz"))
    ),
    "quaternions": OrientationName("wxyz"),
    "orientations": OrientationName("wxyz"),
    "orientation": OrientationName(
        "xyzw", (("orientation.w", "orientation.x", "orientation.y", "orientation.z"),)
    ),
}
SIZE_NAMES: dict[str, SizeName] = {
    "c_diameter": SizeName("diameters"),
    "c_shape": SizeName("diameters"),
    "shape": SizeName("diameters", (("shapex", "shapey", "shapez"),)),
    "diameters": SizeName("diameters"),
    "aspherical_shape": SizeName("semiaxes", zero_is_unknown=True),
    "asphericalshape": SizeName(
        "semiaxes",
        (("asphericalshape.x", "asphericalshape.y", "asphericalshape.z"),),
        zero_is_unknown=True,
    ),
    "semiaxes": SizeName("semiaxes"),
}
# sizes of spheres, with the factor from the column to the radius
SPHERE_NAMES = {"radius": 1.0, "diameter": 0.5}
TYPE_NAMES = ("type", "types", "typeid", "particle_type", "particletype")


def plain(column: str) -> str:
    r"""Column name without brackets and backslashes; names of this table in lower case.

    ``c_diameter[1]``, ``c_diameter\[1\]`` and ``c_diameter1`` are the same name, and so are OVITO's
    ``AsphericalShape.X`` and ``asphericalshape.x``.
    """
    name = re.sub(r"[\\\[\]]", "", column)
    return name.lower() if name.lower() in KNOWN_NAMES else name


def numbered(name: str, width: int) -> tuple[str, ...]:
    """Names of the components of a column that is split: ``c_q1``, ``c_q2``, …"""
    return tuple(f"{name}{k + 1}" for k in range(width))


def tells_shape(column: str) -> bool:
    """Whether a column has an orientation, a size or a type, or a component of one."""
    return plain(column) in KNOWN_NAMES


def _known_names() -> set[str]:
    names = {*SPHERE_NAMES, *TYPE_NAMES}
    for name, orientation in ORIENTATION_NAMES.items():
        names.update((name, *numbered(name, 4)), *orientation.components)
    for name, size in SIZE_NAMES.items():
        names.update((name, *numbered(name, 3)), *size.components)
    return names


KNOWN_NAMES = frozenset(_known_names())
