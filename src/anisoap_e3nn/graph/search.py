"""The search for the edges of one frame: among its images where they are few, else with vesin."""

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_array
from vesin import NeighborList

from .images import edges_to_images

Reals = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def find_edges(
    points: Reals, kinds: Integers, cutoff: float, cell: Reals, periodic: Mask
) -> tuple[Integers, Reals]:
    """Edges, sorted by centre and by the neighbour's kind, and their shifts.

    Parameters
    ----------
    points : array ``(N, 3)``
        At least one.
    kinds : array ``(N,)``
    cutoff : float
    cell : array ``(3, 3)``
        The rows of periodic axes are independent.
    periodic : array ``(3,)``

    Returns
    -------
    edge_index : array ``(2, edge)``
        Neighbours and centres.
    shifts : array ``(edge, 3)``
    """
    cell = _closed_cell(points, cell, periodic, cutoff)
    inverse = np.linalg.inv(cell)
    heights = 1 / np.sqrt(np.einsum("xk,xk->k", inverse, inverse))  # between opposite faces
    farthest = np.abs(points).max()
    if farthest > 1e9 * min(cutoff, heights.min()):  # vesin counts bins and cells in 32 bits
        raise ValueError(
            f"positions reach out to {farthest:g}, more than 1e9 times the cutoff or the height of "
            "the cell: wrap them into the cell, or move them to the origin"
        )
    fractions = points @ inverse  # -> [particle, 3]
    reach = np.where(
        periodic, cutoff / heights * (1 + 1e-6) + 1e-6, np.inf
    )  # fractions are rounded
    if _images_are_few(fractions, reach, heights, cutoff) and (
        max(farthest, np.abs(cell).max()) < 1e4 * min(cutoff, heights.min())
    ):
        return edges_to_images(points, kinds, cutoff, cell, fractions, reach)
    return _both_directions(*_half_list(points, cutoff, cell, heights), kinds)


def _images_are_few(fractions: Reals, reach: Reals, heights: Reals, cutoff: float) -> bool:
    """Whether to look at all images within reach costs less than what vesin does.

    vesin looks at the particles of all cells, at least a cutoff wide, that surround a particle's own, and
    takes about twice as long for each.
    """
    extent = fractions.max(axis=0) - fractions.min(axis=0)
    images = np.where(reach < np.inf, extent + 2 * reach, 1.0).prod()  # of each particle
    bins = np.maximum(heights // cutoff, 1.0)
    searched = ((2 * np.ceil(cutoff * bins / heights) + 1) / bins).prod()
    return bool(images < min(2 * searched, 1000))


def _half_list(
    points: Reals, cutoff: float, cell: Reals, heights: Reals
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Each pair once, and the lattice vectors that lead from its first particle to its second."""
    radius = _search_radius(heights, cutoff)
    n_threads = torch.get_num_threads() if len(points) > 64 else 1  # to wake them takes 0.1 ms
    search = NeighborList(cutoff=radius, full_list=False, n_threads=n_threads)
    quantities = "PS" if radius == cutoff else "PSd"
    pairs, shifts, *distances = search.compute(points, cell, True, quantities, copy=False)
    pairs, shifts = pairs.T.astype(np.int32, order="C"), shifts.copy()  # -> [2, pair], [pair, 3]
    for distance in distances:
        pairs, shifts = pairs[:, distance < cutoff], shifts[distance < cutoff]
    return pairs, shifts


def _both_directions(
    pairs: npt.NDArray[np.int32], shifts: npt.NDArray[np.int32], kinds: Integers
) -> tuple[Integers, Reals]:
    values, kinds = np.unique(kinds, return_inverse=True)
    segments = pairs * np.int32(len(values))  # -> [2, pair], centres are the first particles
    segments += kinds.astype(np.int32).take(pairs[::-1])
    # A counting sort, by SciPy: where row e of a sparse matrix has its only entry in column
    # segments[e], the rows, read column by column, are the permutation.
    entries, row_starts = np.ones(segments.size, bool), np.arange(segments.size + 1, dtype=np.int32)
    shape = (segments.size, len(kinds) * len(values))
    rows = csr_array((entries, segments.reshape(-1), row_starts), shape=shape)
    order = rows.tocsc().indices.astype(np.int64)  # -> [edge]
    edge_index = np.empty((2, len(order)), np.int64)
    edge_index[0] = pairs[::-1].take(order)
    edge_index[1] = pairs.take(order)
    # in few bytes until the last step, since fresh memory costs more than the arithmetic
    shifts = shifts.astype(np.min_scalar_type(-np.abs(shifts).max(initial=1)))
    edge_shifts = np.concatenate([shifts, -shifts]).take(order, axis=0)  # -> [edge, 3]
    return edge_index, edge_shifts.astype(np.float64)


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
