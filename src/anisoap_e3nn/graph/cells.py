"""Volumes and heights of single cells in plain numbers, since NumPy is slow for matrices of this size."""

import math

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]


def volume(cell: Reals) -> float:
    """Volume of the parallelepiped of three cell vectors ``(3, 3)``.

    Examples
    --------
    >>> volume(np.diag([1.0, 2.0, -3.0]))
    6.0
    """
    (ax, ay, az), b, c = cell.tolist()
    x, y, z = _cross(b, c)
    return abs(ax * x + ay * y + az * z)


def heights(cell: Reals) -> Reals:
    """Distances between opposite faces ``(3,)`` of three independent cell vectors ``(3, 3)``.

    Examples
    --------
    >>> heights(np.array([[2.0, 0, 0], [5.0, 3, 0], [0, 0, 4]]))[2].item()
    4.0
    """
    a, b, c = cell.tolist()
    areas = [math.hypot(*_cross(u, v)) for u, v in ((b, c), (c, a), (a, b))]
    return volume(cell) / np.array(areas)


def clearly_independent(cell: Reals) -> bool:
    """Whether three cell vectors ``(3, 3)`` are finite, and span a good part of the cube of the longest.

    Examples
    --------
    >>> clearly_independent(np.eye(3)), clearly_independent(np.ones((3, 3)))
    (True, False)
    """
    longest = max(map(abs, cell.ravel().tolist()))
    return 1e-90 < longest < 1e90 and volume(cell) > 1e-6 * longest**3  # false for NaN


def _cross(u: list[float], v: list[float]) -> tuple[float, float, float]:
    (ux, uy, uz), (vx, vy, vz) = u, v
    return uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
