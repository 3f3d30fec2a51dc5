"""Checks of the arrays that other projects' data hold of ellipsoids."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..data.files.stored_frame import tells_shape

WIDTHS = {"orientations": 4, "semiaxes": 3, "torques": 3}
"""Number of columns of each array."""


def fault_of_arrays(arrays: Mapping[str, Any], n: int, names: Sequence[str]) -> str:
    """What is wrong with the arrays of a frame; an empty text if nothing is.

    Parameters
    ----------
    arrays : mapping from str to array
        Arrays of the frame.
    n : int
        Number of particles.
    names : sequence of str
        Arrays that the frame must have, some of :data:`WIDTHS`.

    Examples
    --------
    >>> arrays = {"orientations": np.zeros((1, 4)), "semiaxes": np.ones((1, 3))}
    >>> fault_of_arrays(arrays, 1, ["semiaxes", "orientations"])
    'orientations of particle 0 is the zero quaternion, expected a rotation; the identity is 1 0 0 0'
    """
    for name in names:
        if name not in arrays:
            return (
                f"found no {name!r}, expected a column {name}:R:{WIDTHS[name]}; `anisoap-e3nn convert` "
                "writes it from other names and formats"
            )
        values = np.asarray(arrays[name])
        if values.shape != (n, WIDTHS[name]):
            return f"{name} has shape {values.shape}, expected {(n, WIDTHS[name])}"
        row = _first(~np.isfinite(values).all(axis=1))
        if row is not None:
            return f"{name} of particle {row} is {values[row].tolist()}, expected finite numbers"
        row = _first((values == 0).all(1)) if name == "orientations" else None
        if row is not None:
            return (
                f"orientations of particle {row} is the zero quaternion, expected a rotation; the identity "
                "is 1 0 0 0"
            )
        row = _first((values < 0).any(1)) if name == "semiaxes" else None
        if row is not None:
            return f"semiaxes of particle {row} is {values[row].tolist()}, expected lengths ≥ 0"
    return ""


def changed_shapes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Names of the arrays of orientations and sizes that differ between two states of the atoms."""
    return [
        name
        for name in filter(tells_shape, {**before, **now})
        if not np.array_equal(before.get(name, ()), now.get(name, ()))
    ]


def _first(wrong: Any) -> int | None:
    return int(np.flatnonzero(wrong)[0]) if wrong.any() else None
