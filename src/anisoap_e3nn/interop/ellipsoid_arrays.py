"""Checks of the arrays that other projects' data hold of ellipsoids."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ..data.files.stored_frame import tells_shape
from ..graph import edge_vectors, neighbor_list

WIDTHS = {"orientations": 4, "semiaxes": 3, "torques": 3}
"""Number of columns of each array."""

_NEAR = 0.1  # cutoff of the search for particles in the same place, a length
_SAME = 1e-6  # length below which networks cannot tell a direction


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


def fault_of_cell(cell: Any, pbc: Any) -> str:
    """What is wrong with a cell ``(3, 3)`` and its periodic axes ``(3,)``; an empty text if nothing is.

    Examples
    --------
    >>> fault_of_cell(np.eye(3), [True, False, True])
    ''
    """
    vectors, axes = np.asarray(cell), np.asarray(pbc)
    periodic = vectors[axes]
    if np.isfinite(periodic).all() and np.linalg.matrix_rank(periodic) == len(periodic):
        return ""
    return (
        f"axes {np.flatnonzero(axes).tolist()} are periodic and the cell is {vectors.tolist()}, expected "
        "independent cell vectors; give the cell, or pbc of F for open axes"
    )


def fault_of_positions(positions: Any, cell: Any, pbc: Any) -> str:
    """What is wrong with the positions and the cell of a frame; an empty text if nothing is.

    Parameters
    ----------
    positions : array ``(N, 3)``
        Centres, lengths.
    cell : array ``(3, 3)``
        Cell vectors, lengths.
    pbc : array ``(3,)``, bool
        Which axes are periodic.

    Examples
    --------
    >>> fault_of_positions(np.zeros((2, 3)), np.zeros((3, 3)), [False] * 3)
    'particles 0 and 1 are in the same place, expected distinct centres'
    """
    x = np.asarray(positions).astype(np.float64)
    vectors = np.asarray(cell).astype(np.float64).reshape(3, 3)
    axes = np.asarray(pbc).reshape(3)
    if len(x) == 0:
        return "found no particles, expected one or more; remove the frame"
    row = _first(~np.isfinite(x).all(axis=1))
    if row is not None:
        return f"positions of particle {row} is {x[row].tolist()}, expected finite numbers"
    if fault := fault_of_cell(vectors, axes):
        return fault
    at, lattice = torch.from_numpy(x), torch.from_numpy(vectors)
    index, shifts = neighbor_list(at, _NEAR, cell=lattice, pbc=torch.from_numpy(axes))
    lengths = edge_vectors(at, index, shifts, lattice).norm(dim=1)  # -> [edge]
    same = index[:, lengths < _SAME]
    if same.shape[1] == 0:
        return ""
    a, b = sorted(same[:, 0].tolist())
    return f"particles {a} and {b} are in the same place, expected distinct centres"


def changed_shapes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Names of the arrays of orientations and sizes that differ between two states of the atoms."""
    return [
        name
        for name in filter(tells_shape, {**before, **now})
        if not np.array_equal(before.get(name, ()), now.get(name, ()))
    ]


def _first(wrong: Any) -> int | None:
    return int(np.flatnonzero(wrong)[0]) if wrong.any() else None
