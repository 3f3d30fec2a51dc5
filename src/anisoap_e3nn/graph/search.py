"""Search for the edges of one frame: by brute force if there are few images, else by vesin.

Small frames are searched in C++ where the extension was built, with the result of the brute force here.
"""

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_array
from vesin import NeighborList

from .cells import heights as heights_of
from .images import brute_force_edges
from .limits import refuse_low_cell, refuse_many_edges
from .small_frames import small_frame_edges

Reals = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def find_edges(
    points: Reals, types: Integers, cutoff: float, cell: Reals, periodic: Mask
) -> tuple[Integers, Reals]:
    """Find the edges of one frame, sorted by centre and by the neighbour's type.

    Parameters
    ----------
    points : array ``(N, 3)``
        One or more positions, a length.
    types : array ``(N,)``
        Particle types.
    cutoff : float
        A length.
    cell : array ``(3, 3)``
        Cell vectors as rows. Those of periodic axes are independent.
    periodic : array ``(3,)``
        Whether each axis is periodic.

    Returns
    -------
    edge_index : array ``(2, edge)``
        Neighbours and centres.
    shifts : array ``(edge, 3)``
        Whole numbers of cell vectors.

    Raises
    ------
    ValueError
        If positions are too far from the origin for vesin, the cell is lower than a fiftieth of the cutoff,
        or the edges would not fit in the memory.
    """
    if (found := small_frame_edges(points, types, cutoff, cell, periodic)) is not None:
        return found
    farthest = float(np.abs(points).max())
    heights = _heights(cell, periodic)  # -> [3], infinite along open axes
    refuse_low_cell(heights, periodic, cutoff)
    if farthest > 1e9 * min(cutoff, float(heights.min())):  # vesin counts in 32 bits
        raise ValueError(
            f"positions reach {farthest:g}, expected at most 1e9 times the cutoff and the height of the "
            "cell; wrap them into the cell, or move them to the origin"
        )
    if not periodic.any():  # a longer cutoff finds the same pairs
        cutoff = min(cutoff, max(1.0, 4 * farthest))
    if cutoff > 1e6:  # squares of lengths could overflow; division by a power of two is exact
        unit = 2.0 ** int(np.frexp(cutoff)[1])
        points, cell, heights = points / unit, cell / unit, heights / unit
        cutoff, farthest = cutoff / unit, farthest / unit
    # across a much higher cell, particles at most 1e9 cutoffs from the origin have no neighbours
    periodic = periodic & (heights < 1e10 * cutoff)
    closed = _closed_cell(points, cell, periodic, cutoff)
    inverse = np.linalg.inv(closed)
    if closed is not cell:
        cell, heights = closed, 1 / np.linalg.norm(inverse, axis=0)
    refuse_many_edges(points, cell, periodic, cutoff)
    fractions = points @ inverse  # -> [particle, 3]
    reach = np.where(
        periodic, cutoff / heights * (1 + 1e-6) + 1e-6, np.inf
    )  # fractions are rounded
    radius = _search_radius(heights, cutoff)
    few = _brute_force_is_faster(fractions, reach, heights, cutoff)
    exact = max(farthest, np.abs(cell).max()) < 1e4 * min(cutoff, heights.min())
    # in very large frames vesin searches through far too many images; those of few particles need none
    lost = radius > 4 * cutoff and len(points) ** 2 * _images(fractions, reach) < 1e7
    if (few and exact) or lost:
        return brute_force_edges(points, types, cutoff, cell, fractions, reach)
    refuse_many_edges(points, cell, periodic, radius)
    return _both_directions(*_half_list(points, cutoff, radius, cell), types)


def _images(fractions: Reals, reach: Reals) -> float:
    """Number of periodic images of each particle that may have neighbours."""
    extent = np.ptp(fractions, axis=0)
    return float(np.where(reach < np.inf, extent + 2 * reach, 1.0).prod())


def _brute_force_is_faster(fractions: Reals, reach: Reals, heights: Reals, cutoff: float) -> bool:
    """Whether brute force over periodic images is faster than vesin.

    vesin compares each particle with those of its own bin and all adjacent bins, which are at least a cutoff
    wide. A comparison takes it about twice as long.
    """
    images = _images(fractions, reach)
    bins = np.maximum(heights // cutoff, 1.0)
    searched = ((2 * np.ceil(cutoff * bins / heights) + 1) / bins).prod()
    return bool(images < min(2 * searched, 1000))


def _half_list(
    points: Reals, cutoff: float, radius: float, cell: Reals
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Pairs, each once, and the cell vectors from the first particle to the second."""
    n_threads = torch.get_num_threads() if len(points) > 64 else 1  # starting threads takes 0.1 ms
    search = NeighborList(cutoff=radius, full_list=False, n_threads=n_threads)
    quantities = "PS" if radius == cutoff else "PSd"
    pairs, shifts, *distances = search.compute(points, cell, True, quantities, copy=False)
    pairs, shifts = pairs.T.astype(np.int32, order="C"), shifts.copy()  # -> [2, pair], [pair, 3]
    for distance in distances:
        pairs, shifts = pairs[:, distance < cutoff], shifts[distance < cutoff]
    return pairs, shifts


def _both_directions(
    pairs: npt.NDArray[np.int32], shifts: npt.NDArray[np.int32], types: Integers
) -> tuple[Integers, Reals]:
    """Edges of both directions, sorted by centre and by the neighbour's type."""
    values, type_index = np.unique(types, return_inverse=True)
    segments = pairs * np.int32(len(values))  # -> [2, pair], centres are the first particles
    segments += type_index.astype(np.int32).take(pairs[::-1])
    # Counting sort by SciPy: if row e of a sparse matrix has its only entry in column segments[e],
    # the rows, read column by column, are the permutation.
    entries, row_starts = np.ones(segments.size, bool), np.arange(segments.size + 1, dtype=np.int32)
    shape = (segments.size, len(type_index) * len(values))
    rows = csr_array((entries, segments.reshape(-1), row_starts), shape=shape)
    order = rows.tocsc().indices.astype(np.int64)  # -> [edge]
    edge_index = np.empty((2, len(order)), np.int64)
    edge_index[0] = pairs[::-1].take(order)
    edge_index[1] = pairs.take(order)
    # small integers until the last step: fresh memory costs more than arithmetic
    shifts = shifts.astype(np.min_scalar_type(-np.abs(shifts).max(initial=1)))
    edge_shifts = np.concatenate([shifts, -shifts]).take(order, axis=0)  # -> [edge, 3]
    return edge_index, edge_shifts.astype(np.float64)


def _heights(cell: Reals, periodic: Mask) -> Reals:
    """Distances between opposite faces of the cell; infinite along open axes."""
    heights = np.full(3, np.inf)
    if periodic.any():
        lattice = cell[periodic]
        unit = np.abs(lattice).max()  # squares of lengths could overflow
        if len(lattice) == 3:
            return np.asarray(unit * heights_of(lattice / unit))
        heights[periodic] = unit / np.linalg.norm(np.linalg.pinv(lattice / unit, rcond=0), axis=0)
    return heights


def _closed_cell(points: Reals, cell: Reals, periodic: Mask, cutoff: float) -> Reals:
    """Replace open axes by periodic ones that are too long for edges to cross.

    vesin can treat open axes, but is very slow for them if the cell is tilted.
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
    """The cutoff, enlarged where vesin would crash on it.

    vesin 0.6 sorts particles into at most 1e5 bins, about a cutoff wide. It scales larger numbers of
    bins down, which can leave a thin axis without bins: it then divides by zero.
    """
    radius = cutoff
    while True:  # ends, since heights are at most 1e10 cutoffs
        bins = np.maximum(heights // radius, 1.0)
        if bins.prod() <= 1e5 or bins.min() * np.cbrt(1e5 / bins.prod()) >= 4:
            return radius
        radius *= 1.25
