"""Neighbour lists."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..arguments import number
from ..tensor_arguments import check_tensors, given
from .cells import clearly_independent
from .device_search import device_edges
from .search import Integers, Mask, Reals, find_edges


def neighbor_list(
    positions: Tensor,
    cutoff: float,
    *,
    cell: Tensor | None = None,
    pbc: Tensor | Sequence[bool] | bool | None = None,
    types: Tensor | None = None,
    batch: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Neighbour list: all pairs of particles closer than a cutoff, periodic images included.

    The vector from a centre :math:`i` to its neighbour :math:`j`, or to an image of the neighbour, is

    .. math::
        r_{ij} = r_j - r_i + s_{ij} h, \qquad |r_{ij}| < r_\mathrm{cut}

    where the rows of :math:`h` are the cell vectors. Each pair is listed in both directions. A
    particle is not its own neighbour, but its periodic images are its neighbours.

    Small cells are searched by brute force, larger ones by vesin, both on the CPU. Positions on CUDA are
    searched there, all frames at once, for cutoffs up to five times the height of the cell. For larger
    cutoffs, and on other devices, each tensor is copied to the CPU once, and the list back.

    Parameters
    ----------
    positions : Tensor ``(N, 3)``, floating point
        Positions, a length. They may lie outside the cell, and may require grad.
    cutoff : float
        A length, > 0; it may be larger than the cell.
    cell : Tensor ``(3, 3)`` or ``(B, 3, 3)``, optional
        Cell vectors as rows, of either handedness. Those of open axes are ignored.
    pbc : bool, or Tensor or sequence ``(3,)`` or ``(B, 3)``, optional
        Whether each axis is periodic; by default all axes if there is a cell, else none.
    types : Tensor ``(N,)``, integer, optional
        Particle types, to order the neighbours of each centre.
    batch : Tensor ``(N,)``, integer, optional
        Frame of each particle, 0 to B - 1, in ascending order.

    Returns
    -------
    edge_index : Tensor ``(2, E)``, int64
        Neighbours (row 0, the source) and centres (row 1, the target), as in e3nn and PyTorch
        Geometric. They are sorted by centre, then by the neighbour's type. The order does not depend
        on the number of threads.
    edge_shifts : Tensor ``(E, 3)``, dtype of `positions`
        Whole numbers :math:`s` of cell vectors; zero along open axes.

    Raises
    ------
    ValueError
        If the cutoff is not positive, positions are not finite, periodic axes lack cell vectors, the
        batch is not sorted, or shapes do not match; if the cell is lower than a fiftieth of the cutoff
        along a periodic axis, or the edges would not fit in the memory.
    TypeError
        If a tensor has the wrong dtype.

    Examples
    --------
    >>> dimer = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    >>> neighbor_list(dimer, 1.5)
    (tensor([[1, 0],
             [0, 1]]), tensor([[0., 0., 0.],
             [0., 0., 0.]]))
    """
    _check_inputs(positions, cutoff, cell, types, batch)
    cutoff = float(cutoff)
    counts, cells, periodic = _frames(len(positions), cell, pbc, batch)
    if positions.is_cuda and len(positions) > 0:
        zeros = torch.zeros(len(positions), dtype=torch.int64, device=positions.device)
        type_of_each, frame_of_each = (zeros if x is None else x.long() for x in (types, batch))
        arguments = positions, type_of_each, frame_of_each, cutoff, cells, periodic
        if (on_device := device_edges(*arguments)) is not None:
            return on_device[0], on_device[1].to(positions.dtype)
    points = positions.detach().cpu().double().numpy()  # Apple's GPUs have no float64
    _refuse_non_finite(points)
    types_on_cpu = np.zeros(len(points), np.int64) if types is None else types.cpu().numpy()
    frames = list(zip(counts, cells, periodic, strict=True))
    found = _of_frames(points, types_on_cpu, cutoff, frames, batch is not None)
    edge_index, edge_shifts = map(torch.from_numpy, found)
    return edge_index.to(positions.device), edge_shifts.to(positions.dtype).to(positions.device)


def _of_frames(
    points: Reals,
    types: Integers,
    cutoff: float,
    frames: Sequence[tuple[int, Reals, Mask]],
    are_numbered: bool,
) -> tuple[Integers, Reals]:
    """Edges and shifts of frames with these numbers of particles, cells and periodic axes."""
    start, edges, shifts = 0, [np.empty((2, 0), np.int64)], [np.empty((0, 3))]
    for index, (count, cell, axes) in enumerate(frames):
        frame = slice(start, start + count)
        start += count
        if count == 0:
            continue
        try:
            found, found_shifts = find_edges(points[frame], types[frame], cutoff, cell, axes)
        except ValueError as error:
            where = f"frame {index}: " if are_numbered else ""
            raise ValueError(f"{where}{error}") from None
        edges.append(np.add(found, frame.start, out=found))
        shifts.append(found_shifts)
    if len(edges) <= 2:
        return edges[-1], shifts[-1]
    return np.concatenate(edges, axis=1), np.concatenate(shifts)


def _frames(
    n: int, cell: Tensor | None, pbc: Any, batch: Tensor | None
) -> tuple[list[int], Reals, Mask]:
    """Number of particles, cell and periodic axes of each frame."""
    periodic = _flags(cell is not None if pbc is None else pbc)
    periodic = periodic if periodic.ndim else periodic.repeat(3)
    if cell is None and periodic.any():
        raise ValueError("pbc has periodic axes, but found no cell; give the cell vectors")
    cells = np.zeros((3, 3)) if cell is None else cell.detach().cpu().double().numpy()
    n_frames = 1
    if batch is not None:  # the last frames may be empty
        given = [len(array) for array, ndim in ((cells, 3), (periodic, 2)) if array.ndim == ndim]
        n_frames = max([int(batch[-1]) + 1 if n else 0, *given])
    cells = _per_frame("cell", cells, (3, 3), n_frames)  # -> [frame, 3, 3]
    periodic = _per_frame("pbc", periodic, (3,), n_frames)  # -> [frame, 3]
    _refuse_singular(cells, periodic)
    counts = [n] if batch is None else batch.bincount(minlength=n_frames).tolist()
    return counts, cells, periodic


def _flags(pbc: Any) -> Mask:
    """Periodic axes ``()``, ``(3,)`` or ``(B, 3)`` as an array of bools."""
    if isinstance(pbc, bool):
        return np.asarray(pbc)
    try:
        flags = torch.as_tensor(pbc).cpu().numpy()
        legal = flags.dtype.kind in "bui" and bool(((flags == 0) | (flags == 1)).all())
    except (TypeError, ValueError, RuntimeError, NotImplementedError):
        legal = False
    if not legal:
        raise TypeError(
            f"pbc is {pbc!r:.100}, expected True or False, or three of them for each frame"
        )
    return np.asarray(flags, dtype=bool)


def _per_frame(name: str, array: Any, shape: tuple[int, ...], n_frames: int) -> Any:
    if array.shape not in (shape, (n_frames, *shape)):
        raise ValueError(
            f"{name} has shape {array.shape}, expected {shape}, or {(n_frames, *shape)} for "
            f"{n_frames} {'frame' if n_frames == 1 else 'frames'}"
        )
    return array[None].repeat(n_frames, axis=0) if array.shape == shape else array


def _refuse_singular(cells: Reals, periodic: Mask) -> None:
    if not periodic.any() or (periodic.all() and all(map(clearly_independent, cells))):
        return
    lattices = np.where(periodic[:, :, None], cells, 0.0)  # -> [frame, 3, 3]
    if not np.isfinite(lattices).all():
        raise ValueError(f"cell is {cells.tolist()}, expected finite numbers")
    lengths = np.linalg.svd(lattices, compute_uv=False)  # -> [frame, 3]
    singular = (lengths > 1e-10 * lengths[:, :1]).sum(1) < periodic.sum(1)  # -> [frame]
    if singular.any():
        frame = int(singular.argmax())
        raise ValueError(
            f"the cell of frame {frame} is {cells[frame].tolist()}, expected independent cell vectors "
            f"for its periodic axes {periodic[frame].tolist()}; give them, or pbc=False"
        )


def _refuse_non_finite(points: Reals) -> None:
    if not np.isfinite(points).all():
        row = int(np.isfinite(points).all(1).argmin())
        raise ValueError(f"positions[{row}] is {points[row].tolist()}, expected finite numbers")


def _check_inputs(
    positions: Tensor,
    cutoff: float,
    cell: Tensor | None,
    types: Tensor | None,
    batch: Tensor | None,
) -> None:
    cutoff = number("cutoff", cutoff)
    if not 1e-6 < cutoff < float("inf"):
        raise ValueError(
            f"cutoff is {cutoff}, expected a finite length > 0 (above 1e-6: use units such as Å)"
        )
    check_tensors(positions=positions, **given(cell=cell, types=types, batch=batch))
    if positions.dim() != 2 or positions.shape[1] != 3:
        raise ValueError(f"positions have shape {tuple(positions.shape)}, expected (N, 3)")
    if not positions.is_floating_point():
        raise TypeError(f"positions are {positions.dtype}, expected real numbers; use .double()")
    for name, numbers in (("types", types), ("batch", batch)):
        if numbers is None:
            continue
        if numbers.shape != positions.shape[:1]:
            raise ValueError(
                f"{name} has shape {tuple(numbers.shape)}, expected ({len(positions)},), an entry for "
                "each position"
            )
        if numbers.is_floating_point() or numbers.is_complex() or numbers.dtype == torch.bool:
            raise TypeError(f"{name} is {numbers.dtype}, expected integers; use .long()")
    if batch is not None and len(batch) > 0 and (batch[0] < 0 or (batch.diff() < 0).any()):
        raise ValueError(
            "batch is negative or decreases, expected frames 0, 1, … in order; sort the particles"
        )
