"""Brute-force search for pairs over periodic images, for cells not much wider than the cutoff."""

from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt
import torch

Reals = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_BLOCK = 2**17  # distances at a time, so that they fit in the cache


def brute_force_edges(
    points: Reals, types: Integers, cutoff: float, cell: Reals, fractions: Reals, reach: Reals
) -> tuple[Integers, Reals]:
    """Find edges by brute force, sorted by centre, then by the neighbour's type, index and image.

    Parameters
    ----------
    points : array ``(N, 3)``
        Positions, a length.
    types : array ``(N,)``
        Particle types.
    cutoff : float
        A length.
    cell : array ``(3, 3)``
        Cell vectors as rows.
    fractions : array ``(N, 3)``
        Fractional coordinates of the points.
    reach : array ``(3,)``
        The cutoff in units of the heights of the cell; infinite along open axes.

    Returns
    -------
    edge_index, shifts : array ``(2, edge)``, array ``(edge, 3)``
        Neighbours and centres, and whole numbers of cell vectors.
    """
    # all images of the points, sorted by type, that can be within the cutoff of some point
    order = np.argsort(types, kind="stable")
    lowest, highest = fractions.min(axis=0), fractions.max(axis=0)
    most = highest - lowest + reach
    whole = _whole_vectors(*np.where(reach < np.inf, most, 0).astype(int).tolist())
    centered = (fractions - 0.5 * (lowest + highest))[order]
    offsets = centered.T.copy()[:, :, None] + whole.T.copy()[:, None]  # -> [3, particle, shift]
    near = np.abs(offsets, out=offsets) <= (0.5 * (highest - lowest) + reach)[:, None, None]
    row, shift = np.divmod(np.flatnonzero(near.all(axis=0)), len(whole))  # -> [image]
    particle, image_shifts = order[row], whole[shift]  # -> [image], [image, 3]
    itself = np.empty_like(order)
    unshifted = np.flatnonzero(shift == len(whole) // 2)
    itself[particle[unshifted]] = unshifted  # -> [particle]

    middle = points.mean(axis=0)
    images = points[particle] + image_shifts @ cell - middle  # -> [image, 3]
    pairs, doubtful = _pairs_within(points - middle, images, itself, cutoff)  # -> [edge]
    edge_index = np.empty((2, len(pairs)), dtype=np.int64)
    _, image = np.divmod(pairs, len(images), out=(edge_index[1], pairs))
    np.take(particle, image, out=edge_index[0])
    shifts = image_shifts.take(image, axis=0)  # -> [edge, 3]
    # where rounding could decide, compute the same number for both directions, as vesin does
    (j, i), (a, b, c) = edge_index[:, doubtful], shifts[doubtful].T[:, :, None]
    x, y, z = (points[j] - points[i] + (a * cell[0] + b * cell[1] + c * cell[2])).T
    beyond = doubtful[x * x + y * y + z * z >= cutoff * cutoff]
    if len(beyond) == 0:
        return edge_index, shifts
    return np.delete(edge_index, beyond, axis=1), np.delete(shifts, beyond, axis=0)


def _pairs_within(
    centers: Reals, images: Reals, itself: Integers, cutoff: float
) -> tuple[Integers, Integers]:
    """Flat indices, centre · n_images + image, of pairs within the cutoff, and positions of doubtful ones.

    Distances come from a matrix product, |a - b|² = |a|² + |b|² - 2 a·b, which is fast but inexact. Pairs are
    doubtful if rounding could decide whether they are within the cutoff.
    """
    squares = np.einsum("ix,ix->i", images, images)  # -> [image]
    rounding = 4e-7 * (squares.max() + cutoff**2)  # of float32, in at most four terms of this size
    left = np.empty((len(centers), 5), dtype=np.float32)
    left[:, :3], left[:, 3], left[:, 4] = -2 * centers, 1, squares[itself]
    right = np.empty((5, len(images)), dtype=np.float32)
    right[:3], right[3], right[4] = images.T, squares, 1
    rows = max(1, _BLOCK // len(images))
    block = np.empty((rows, len(images)), dtype=np.float32)
    pairs, doubtful, n_pairs = [], [], 0
    for start in range(0, len(centers), rows):
        distances = block[: len(centers) - start]  # squared -> [centre, image]
        some = slice(start, start + len(distances))
        torch.mm(*map(torch.from_numpy, (left[some], right)), out=torch.from_numpy(distances))
        within = distances < cutoff**2 + rounding
        within[np.arange(len(distances)), itself[some]] = False
        found = np.flatnonzero(within)
        unsure = np.flatnonzero(distances.ravel().take(found) > cutoff**2 - rounding)
        pairs.append(found + start * len(images))
        doubtful.append(unsure + n_pairs)
        n_pairs += len(found)
    return np.concatenate(pairs), np.concatenate(doubtful)


@cache
def _whole_vectors(*extent: int) -> Reals:
    """All vectors of whole numbers up to `extent` in size; zero is in the middle."""
    return np.array(list(product(*(range(-k, k + 1) for k in extent))), dtype=np.float64)
