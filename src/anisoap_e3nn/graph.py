"""Neighbour lists, and the vectors along their edges."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_array
from torch import Tensor
from vesin import NeighborList

Reals = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


def neighbor_list(
    positions: Tensor,
    cutoff: float,
    *,
    cell: Tensor | None = None,
    pbc: Tensor | Sequence[bool] | bool | None = None,
    types: Tensor | None = None,
    batch: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    r"""All pairs of particles closer than a cutoff, found by vesin.

    The vector from a centre :math:`i` to its neighbour :math:`j`, or to an image of it, is

    .. math::
        r_{ij} = r_j - r_i + s_{ij} h, \qquad |r_{ij}| < r_\mathrm{cut}

    where the rows of :math:`h` are the lattice vectors. Each pair is there in both directions. A
    particle is no neighbour of itself, but its periodic images are.

    Parameters
    ----------
    positions : Tensor ``(N, 3)``, floating point
        A length. Particles may lie outside the cell. They may require grad; the list does not.
    cutoff : float
        A length, > 0; it may exceed the cell.
    cell : Tensor ``(3, 3)`` or ``(B, 3, 3)``, optional
        Lattice vectors as rows, of either handedness; those of open axes are not looked at.
    pbc : bool, or Tensor or sequence ``(3,)`` or ``(B, 3)``, optional
        Which axes are periodic: without it, all of them if there is a cell and none if not.
    types : Tensor ``(N,)``, integer, optional
        With it, the neighbours of each centre are ordered by type.
    batch : Tensor ``(N,)``, integer, optional
        The frame, 0 to B - 1, that each particle belongs to, never decreasing.

    Returns
    -------
    edge_index : Tensor ``(2, E)``, int64
        Neighbours (row 0, the source) and centres (row 1, the target), as in e3nn and PyTorch
        Geometric. Sorted by centre, then by the neighbour's type, and beyond that in an order that
        does not depend on the number of threads.
    edge_shifts : Tensor ``(E, 3)``, dtype of `positions`
        The whole numbers :math:`s`; zero along open axes.

    Raises
    ------
    ValueError
        For a cutoff that is no positive number, positions that are not finite, periodic axes
        without lattice vectors, a batch that is not sorted, and shapes that do not fit.
    TypeError
        For tensors of the wrong kind of number.

    Examples
    --------
    >>> dimer = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    >>> neighbor_list(dimer, 1.5)
    (tensor([[1, 0],
             [0, 1]]), tensor([[0., 0., 0.],
             [0., 0., 0.]]))
    """
    _check_inputs(positions, cutoff, types, batch)
    points = positions.detach().to("cpu", torch.float64).numpy()
    _refuse_non_finite(points)
    pairs, shifts = _half_lists(points, cutoff, *_frames(len(points), cell, pbc, batch))

    # each pair in both directions, sorted
    order = _edge_order(pairs, types, len(points))  # -> [edge]
    directed_shifts = np.concatenate([shifts, -shifts]).take(order, axis=0)  # -> [edge, 3]
    real = np.float32 if positions.dtype == torch.float32 else np.float64
    edge_shifts = torch.from_numpy(directed_shifts.astype(real)).to(positions)
    edge_index = np.empty((2, len(order)), np.int64)
    edge_index[0] = pairs[::-1].take(order)
    edge_index[1] = pairs.take(order)
    return torch.from_numpy(edge_index).to(positions.device), edge_shifts


def edge_vectors(
    positions: Tensor,
    edge_index: Tensor,
    edge_shifts: Tensor | None = None,
    cell: Tensor | None = None,
    batch: Tensor | None = None,
) -> Tensor:
    r"""Vectors :math:`r_{ij} = r_j - r_i + s_{ij} h` from centres to their neighbours.

    Differentiable in positions and cell, any number of times.

    Parameters
    ----------
    positions : Tensor ``(N, 3)``
        A length.
    edge_index : Tensor ``(2, E)``, int64
        Neighbours (row 0) and centres (row 1), in any order.
    edge_shifts : Tensor ``(E, 3)``, dtype of `positions`, optional
        Lattice vectors to add, as :func:`neighbor_list` returns them; without it, none.
    cell : Tensor ``(3, 3)`` or ``(B, 3, 3)``, dtype of `positions`, optional
        Lattice vectors as rows; needed if any shift is not zero.
    batch : Tensor ``(N,)``, int64, optional
        The frame of each particle; needed if there are several cells.

    Returns
    -------
    Tensor ``(E, 3)``

    Raises
    ------
    ValueError
        For shifts without a cell, and several cells without a batch.
    """
    neighbors, centers = edge_index
    vectors = positions.index_select(0, neighbors)
    vectors = vectors - positions.index_select(0, centers)  # -> [edge, 3]
    if edge_shifts is None:
        return vectors
    if cell is None:
        if not torch.compiler.is_compiling() and edge_shifts.any():
            raise ValueError("edge_shifts lead to periodic images: give the cell too")
        return vectors
    if cell.dim() == 2 or len(cell) == 1:
        return vectors + edge_shifts @ cell.view(3, 3)
    if batch is None:
        raise ValueError(f"{len(cell)} cells need batch, the frame of each particle")
    frames = batch.index_select(0, centers)  # -> [edge]
    for shift, lattice_vectors in zip(edge_shifts.unbind(1), cell.unbind(1), strict=True):
        vectors = vectors + shift[:, None] * lattice_vectors.index_select(0, frames)
    return vectors


def _half_lists(
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


def _edge_order(pairs: Integers, types: Tensor | None, n: int) -> Integers:
    """The permutation that sorts the pairs, both directions of them, by centre and type."""
    segments, n_segments = pairs.reshape(-1), n  # -> [edge], centres are the first particles
    if types is not None:
        values, kinds = torch.unique(types.cpu(), return_inverse=True)
        segments = segments * len(values)
        segments += kinds.to(torch.int32).numpy().take(pairs[::-1].reshape(-1))
        n_segments *= len(values)
    # A counting sort, by SciPy: where row e of a sparse matrix has its only entry in column
    # segments[e], the rows, read column by column, are the permutation.
    entries, row_starts = np.ones(len(segments), bool), np.arange(len(segments) + 1, dtype=np.int32)
    rows = csr_array((entries, segments, row_starts), shape=(len(segments), n_segments))
    order: Integers = rows.tocsc().indices
    return order


def _frames(
    n: int, cell: Tensor | None, pbc: Any, batch: Tensor | None
) -> tuple[list[int], Reals, Mask]:
    """How many particles each frame has, its cell, and which of its axes are periodic."""
    periodic = torch.as_tensor(cell is not None if pbc is None else pbc).cpu().numpy().astype(bool)
    periodic = periodic if periodic.ndim else periodic.repeat(3)
    if cell is None and periodic.any():
        raise ValueError("pbc names periodic axes, but there is no cell: give the lattice vectors")
    cells = np.zeros((3, 3)) if cell is None else cell.detach().to("cpu", torch.float64).numpy()
    n_frames = 1
    if batch is not None:  # its last frames may have no particles
        n_frames = max(
            int(batch[-1]) + 1 if n else 0,
            *(
                len(array) if array.ndim > ndim else 0
                for array, ndim in ((cells, 2), (periodic, 1))
            ),
        )
    cells = _per_frame("cell", cells, (3, 3), n_frames)  # -> [frame, 3, 3]
    periodic = _per_frame("pbc", periodic, (3,), n_frames)  # -> [frame, 3]
    _refuse_singular(cells, periodic)
    counts = [n] if batch is None else batch.bincount(minlength=n_frames).tolist()
    return counts, cells, periodic


def _per_frame(name: str, array: Any, shape: tuple[int, ...], n_frames: int) -> Any:
    if array.shape not in (shape, (n_frames, *shape)):
        raise ValueError(
            f"{name} has shape {array.shape}, expected {shape}, or {(n_frames, *shape)} for "
            f"{n_frames} {'frame' if n_frames == 1 else 'frames'}"
        )
    return array[None].repeat(n_frames, axis=0) if array.shape == shape else array


def _refuse_singular(cells: Reals, periodic: Mask) -> None:
    if not periodic.any():
        return
    lattices = np.where(periodic[:, :, None], cells, 0.0)  # -> [frame, 3, 3]
    if not np.isfinite(lattices).all():
        raise ValueError(f"cell is {cells.tolist()}, expected finite numbers")
    lengths = np.linalg.svd(lattices, compute_uv=False)  # -> [frame, 3]
    singular = (lengths > 1e-10 * lengths[:, :1]).sum(1) < periodic.sum(1)  # -> [frame]
    if singular.any():
        frame = int(singular.argmax())
        raise ValueError(
            f"the cell of frame {frame} is {cells[frame].tolist()}, expected independent lattice "
            f"vectors for its periodic axes {periodic[frame].tolist()}; give them, or pbc=False"
        )


def _refuse_non_finite(points: Reals) -> None:
    if not np.isfinite(points).all():
        row = int(np.isfinite(points).all(1).argmin())
        raise ValueError(f"positions[{row}] is {points[row].tolist()}, expected finite numbers")


def _check_inputs(
    positions: Tensor, cutoff: float, types: Tensor | None, batch: Tensor | None
) -> None:
    if not 1e-6 < cutoff < float("inf"):
        raise ValueError(
            f"cutoff is {cutoff}, expected a finite length > 0 (above 1e-6: use units such as Å)"
        )
    if positions.dim() != 2 or positions.shape[1] != 3:
        raise ValueError(f"positions have shape {tuple(positions.shape)}, expected (N, 3)")
    if not positions.is_floating_point():
        raise TypeError(f"positions are {positions.dtype}, expected real numbers; use .double()")
    for name, numbers in (("types", types), ("batch", batch)):
        if numbers is None:
            continue
        if numbers.shape != positions.shape[:1]:
            raise ValueError(
                f"{name} has shape {tuple(numbers.shape)}, expected one entry for each of the "
                f"{len(positions)} positions"
            )
        if numbers.is_floating_point() or numbers.is_complex():
            raise TypeError(f"{name} is {numbers.dtype}, expected integers; use .long()")
    if batch is not None and len(batch) > 0 and (batch[0] < 0 or (batch.diff() < 0).any()):
        raise ValueError("batch counts frames from 0 and never decreases: sort particles by frame")
