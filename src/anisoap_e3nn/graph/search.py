"""The search for pairs, frame by frame, with vesin."""

import numpy as np
import numpy.typing as npt
import torch
from vesin import NeighborList

Reals = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


def half_lists(
    points: Reals, cutoff: float, sizes: list[int], cells: Reals, periodic: Mask
) -> tuple[Integers, Integers]:
    """Each pair once, and the lattice vectors that lead from its first particle to its second."""
    pairs: list[Integers] = [np.empty((2, 0), np.int32)]
    shifts: list[Integers] = [np.empty((0, 3), np.int32)]
    start = 0
    for size, cell, axes in zip(sizes, cells, periodic, strict=True):
        if size > 0:
            found, shift = _half_list(points[start : start + size], cutoff, cell, axes)
            pairs.append(np.add(found, start, out=found))
            shifts.append(shift)
        start += size
    return np.concatenate(pairs, axis=1), np.concatenate(shifts)  # -> [2, pair], [pair, 3]


def _half_list(
    points: Reals, cutoff: float, cell: Reals, periodic: Mask
) -> tuple[Integers, Integers]:
    cell = _closed_cell(points, cell, periodic, cutoff)
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)  # between opposite faces
    radius = _search_radius(heights, cutoff)
    farthest = np.abs(points).max()
    if farthest > 1e9 * min(radius, heights.min()):  # vesin counts bins and cells in 32 bits
        raise ValueError(
            f"positions reach out to {farthest:g}, more than 1e9 times the cutoff or the height of "
            "the cell: wrap them into the cell, or move them to the origin"
        )
    n_threads = torch.get_num_threads() if len(points) > 64 else 1  # to wake them takes 0.1 ms
    search = NeighborList(cutoff=radius, full_list=False, n_threads=n_threads)
    quantities = "PS" if radius == cutoff else "PSd"
    pairs, shifts, *distances = search.compute(points, cell, True, quantities, copy=False)
    pairs, shifts = pairs.T.astype(np.int32, order="C"), shifts.copy()  # -> [2, pair], [pair, 3]
    for distance in distances:
        pairs, shifts = pairs[:, distance < cutoff], shifts[distance < cutoff]
    return pairs, shifts


def _closed_cell(points: Reals, cell: Reals, periodic: Mask, cutoff: float) -> Reals:
    """The cell with each open axis made a periodic one, too long for any edge to cross.

    vesin knows open axes, but searches far too long along them if the cell is tilted.
    """
    if periodic.all():
        return cell
    directions = np.linalg.svd(np.where(periodic[:, None], cell, 0.0))[2]
    directions = directions[periodic.sum() :]  # across the periodic axes -> [open axis, 3]
    lengths = np.ptp(points @ directions.T, axis=0) + 2 * cutoff  # -> [open axis]
    closed = cell.copy()
    closed[~periodic] = directions * lengths[:, None]
    return closed


def _search_radius(heights: Reals, cutoff: float) -> float:
    """The cutoff, or a longer radius where the cutoff would kill the process.

    vesin 0.6 sorts particles into at most 1e5 bins, about a cutoff wide. If it has to scale more
    bins down to that number, a thin axis can be left with none, and then it divides by zero.
    """
    radius = cutoff
    while True:
        bins = np.maximum(heights // radius, 1.0)
        if bins.prod() <= 1e5 or bins.min() * np.cbrt(1e5 / bins.prod()) >= 4:
            return radius
        radius *= 1.25
