"""Search for the edges of all frames at once where the positions are, in plain torch: for GPUs.

Particles are sorted into bins at least as wide as the cutoff. Those in the bin of a centre and in adjacent
ones, periodic images included, are compared with it. A cell narrower than the cutoff is one bin, with more
images.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .order import lexicographic_order

Reals = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_MARGIN = 1e-6  # in units of the cutoff; fractional coordinates are rounded
_FARTHEST = 1e6  # in units of the bins
_LARGEST_REACH = 5  # in bins
_MOST_CANDIDATES = 2**23  # at a time; each takes about 200 bytes


class _Bins(NamedTuple):
    """The bins of all frames, and the particles in them."""

    points: Tensor  # float64 -> [particle, 3]
    frames: Tensor  # [particle]
    cells: Tensor  # float64 -> [frame, 3, 3]
    counts: Tensor  # number of bins; 0 along open axes -> [frame, 3]
    bins: Tensor  # [particle, 3]
    wraps: Tensor  # shift into the cell, [particle, 3]
    sizes: Tensor  # number of bins along each axis that keys tell apart, [3]
    order: Tensor  # particles sorted by key, [particle]
    keys: Tensor  # sorted, [particle]


def device_edges(
    positions: Tensor,
    types: Tensor,
    frames: Tensor,
    cutoff: float,
    cells: Reals,
    periodic: Mask,
) -> tuple[Tensor, Tensor] | None:
    """Find the edges of all frames, sorted by centre, then by the neighbour's type, index and image.

    Parameters
    ----------
    positions : Tensor ``(N, 3)``
        One or more, a length; on a device that has float64.
    types, frames : Tensor ``(N,)``, int64
        Type and frame of each particle.
    cutoff : float
        A length.
    cells : array ``(frame, 3, 3)``
        Cell vectors as rows. Those of periodic axes are independent.
    periodic : array ``(frame, 3)``
        Whether each axis is periodic.

    Returns
    -------
    edge_index, shifts : Tensor ``(2, edge)``, Tensor ``(edge, 3)``, int64
        Neighbours and centres, and whole numbers of cell vectors. None where the search on the CPU is to be
        used: for positions that are not finite or far away, and where a cutoff spans many cells.
    """
    closed = np.stack([_closed(*each, cutoff) for each in zip(cells, periodic, strict=True)])
    inverse = np.linalg.inv(closed)
    heights = 1 / np.linalg.norm(inverse, axis=1)  # -> [frame, 3]
    counts = np.maximum(np.floor(heights / (cutoff * (1 + _MARGIN))), 1)
    reach = np.ceil(counts * cutoff / heights * (1 + 0.1 * _MARGIN)).max(axis=0)  # in bins -> [3]
    if not reach.max() <= _LARGEST_REACH:  # true for NaN
        return None
    shown = np.concatenate(
        [inverse.reshape(-1, 9), closed.reshape(-1, 9), counts, periodic], axis=1
    )
    found = _sort_into_bins(positions.detach().double(), frames, torch.from_numpy(shown))
    if found is None:
        return None
    bins, fullest = found
    ranges = (torch.arange(-k, k + 1, device=positions.device) for k in reach.astype(int).tolist())
    offsets = torch.cartesian_prod(*ranges)  # -> [offset, 3]
    chunk = max(1, _MOST_CANDIDATES // (len(offsets) * fullest))  # centres
    centers = torch.arange(len(positions), device=positions.device)
    parts = [_within(bins, some, offsets, cutoff) for some in centers.split(chunk)]
    neighbors, centers, shifts = (torch.cat(each) for each in zip(*parts, strict=True))
    order = lexicographic_order(centers, types[neighbors], neighbors, *shifts.unbind(1))
    return torch.stack([neighbors[order], centers[order]]), shifts[order]


def _closed(cell: Reals, periodic: Mask, cutoff: float) -> Reals:
    """The cell with a unit vector of a cutoff's length across the periodic axes for each open one."""
    if periodic.all():
        return cell
    directions = np.linalg.svd(np.where(periodic[:, None], cell, 0.0))[2][periodic.sum() :]
    closed = cell.copy()
    closed[~periodic] = directions * (cutoff * (1 + 2 * _MARGIN))
    return closed


def _sort_into_bins(points: Tensor, frames: Tensor, shown: Tensor) -> tuple[_Bins, int] | None:
    """Bins, and how many particles the fullest has; None if positions are not finite, or far away."""
    shown = shown.to(points.device)
    inverse, cells, counts, periodic = shown.split([9, 9, 3, 3], dim=1)
    fractions = (points[:, :, None] * inverse.view(-1, 3, 3)[frames]).sum(1)  # -> [particle, 3]
    of_bins = fractions * counts[frames]
    far = ~(of_bins.abs() <= _FARTHEST)  # true for NaN
    counts = torch.where(periodic > 0, counts, 0).long()  # -> [frame, 3]
    bins = torch.where(far, 0, of_bins).floor().long()  # -> [particle, 3]
    counted = counts[frames]
    wraps = torch.where(counted > 0, bins.div(counted.clamp(min=1), rounding_mode="floor"), 0)
    bins = bins - wraps * counted
    bins = bins - torch.where(counted > 0, 0, bins.amin(0))  # open axes start at 0 too
    sizes = bins.amax(0) + 1  # -> [3]
    keys, order = _keys(frames, bins, sizes).sort(stable=True)
    last = torch.searchsorted(keys, keys, right=True)
    fullest = (last - torch.searchsorted(keys, keys)).amax()
    n_keys = sizes.double().prod() * cells.shape[0]
    is_far, most, number = torch.stack([far.any().double(), fullest.double(), n_keys]).tolist()
    if is_far or number > 2**62:
        return None
    found = _Bins(points, frames, cells.view(-1, 3, 3), counts, bins, wraps, sizes, order, keys)
    return found, int(most)


def _keys(frames: Tensor, bins: Tensor, sizes: Tensor) -> Tensor:
    x, y, z = bins.unbind(-1)
    return ((frames * sizes[0] + x) * sizes[1] + y) * sizes[2] + z


def _within(
    found: _Bins, centers: Tensor, offsets: Tensor, cutoff: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Neighbours, centres and shifts of the edges of some centres."""
    points, frames, cells, counts, bins, wraps, sizes, order, keys = found
    near = bins[centers][:, None] + offsets  # -> [centre, offset, 3]
    counted = counts[frames[centers]][:, None]  # -> [centre, 1, 3]
    images = near.div(counted.clamp(min=1), rounding_mode="floor").where(counted > 0, 0)
    near = near - images * counted
    exists = ((near >= 0) & (near < sizes)).all(2)  # -> [centre, offset]
    wanted = _keys(frames[centers][:, None].expand(exists.shape), near, sizes).flatten()
    first = torch.searchsorted(keys, wanted)
    members = (torch.searchsorted(keys, wanted, right=True) - first).where(exists.flatten(), 0)

    row = torch.arange(len(wanted), device=keys.device).repeat_interleave(members)  # -> [candidate]
    place = torch.arange(len(row), device=keys.device) - (members.cumsum(0) - members)[row]
    j, i = order[first[row] + place], centers[row // len(offsets)]
    shifts = images.flatten(0, 1)[row] - wraps[j] + wraps[i]  # -> [candidate, 3]
    # the same operations as on the CPU, so that rounding decides alike
    (a, b, c), lattice = shifts.double()[:, :, None].unbind(1), cells[frames[i]]
    vectors = points[j] - points[i] + (a * lattice[:, 0] + b * lattice[:, 1] + c * lattice[:, 2])
    x, y, z = vectors.unbind(1)
    itself = (i == j) & (shifts == 0).all(1)
    kept = ((x * x + y * y + z * z < cutoff * cutoff) & ~itself).nonzero().squeeze(1)
    return j[kept], i[kept], shifts[kept]
