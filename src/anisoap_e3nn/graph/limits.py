"""Refusals of searches for pairs that would not end, or whose pairs no memory could hold."""

import math
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .cells import volume

Reals = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LOWEST_CELL = 1 / 50  # of the cutoff, whose sphere then holds some hundred thousand cells
_BYTES = 128  # per edge, the largest amount in use during a search
_FILLING = (1.0, 1.0, math.pi / 4, math.pi / 6)  # of a cube by a sphere, in 0 to 3 dimensions


def refuse_low_cell(heights: Reals, periodic: Mask, cutoff: float) -> None:
    """Refuse cells that are so low that nearly all edges would lead to images of the same few particles.

    Parameters
    ----------
    heights : array ``(3,)``
        Distances between opposite faces of the cell, a length.
    periodic : array ``(3,)``
        Whether each axis is periodic.
    cutoff : float
        A length.

    Raises
    ------
    ValueError
        If a height along a periodic axis is below a fiftieth of the cutoff.
    """
    low = periodic & ~(heights >= LOWEST_CELL * cutoff)
    if low.any():
        axis = int(low.argmax())
        raise ValueError(
            f"the height of the cell along axis {axis} is {heights[axis]:.3g}, expected at least a "
            f"fiftieth of the cutoff, {cutoff:.6g}; check the unit of the cell, or set pbc of this axis to "
            "False if the system is not periodic there"
        )


def refuse_many_edges(points: Reals, cell: Reals, periodic: Mask, cutoff: float) -> None:
    """Refuse searches whose edges would take more memory than there is.

    Parameters
    ----------
    points : array ``(N, 3)``
        One or more positions, a length.
    cell : array ``(3, 3)``
        Cell vectors as rows; those of open axes are orthogonal to the periodic ones.
    periodic, cutoff
        As for :func:`refuse_low_cell`.

    Raises
    ------
    ValueError
        If the number of edges that a homogeneous system would have does not fit in the memory.
    """
    n_edges = estimated_edges(points, cell, periodic, cutoff)
    if n_edges < 1e6:
        return
    available = available_memory()
    if n_edges * _BYTES > available:
        raise ValueError(
            f"found {len(points)} particles with about {n_edges:.1e} edges within the cutoff "
            f"{cutoff:.6g}, expected at most {available / _BYTES:.1e}, which the memory of "
            f"{available / 2**30:.2g} GiB can hold; use a smaller cutoff, and check the unit of the cell"
        )


def estimated_edges(points: Reals, cell: Reals, periodic: Mask, cutoff: float) -> float:
    """Number of edges if particles fill the cell and, along open axes, their extent."""
    n, rank = len(points), int(periodic.sum())
    lattice = cell[periodic]
    if rank == 3:
        return n * n * _FILLING[rank] * (2 * cutoff) ** 3 / volume(lattice)
    size = float(np.linalg.svd(lattice, compute_uv=False).prod()) if rank else 1.0
    images = _FILLING[rank] * (2 * cutoff) ** rank / size
    directions = cell[~periodic]
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    for extent in np.ptp(points @ directions.T, axis=0).tolist():
        images *= min(1.0, 2 * cutoff / extent) if extent > 0 else 1.0
    return float(n * max(0.0, n * images - (1 if rank == 0 else 0)))


def available_memory() -> float:
    """Memory in bytes that this process can still get; infinite where the system does not tell."""
    return min(_of_machine(), _of_container(), _of_process())


def _of_machine() -> float:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024.0 * int(line.split()[1])
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, ValueError, AttributeError):
        return math.inf


def _of_container() -> float:
    try:
        group = Path("/sys/fs/cgroup")
        limit = (group / "memory.max").read_text().strip()
        if limit == "max":
            return math.inf
        # the file cache counts as used but is given up on request
        statistics = (line.split() for line in (group / "memory.stat").read_text().splitlines())
        cached = int(dict(statistics).get("inactive_file", 0))
        return float(int(limit) - int((group / "memory.current").read_text()) + cached)
    except (OSError, ValueError):
        return math.inf


def _of_process() -> float:
    try:
        import resource  # not on Windows

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit == resource.RLIM_INFINITY:
            return math.inf
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return float(limit - pages * os.sysconf("SC_PAGE_SIZE"))
    except (ImportError, OSError, ValueError):
        return math.inf
