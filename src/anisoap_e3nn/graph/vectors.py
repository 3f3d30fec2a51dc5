"""Edge vectors."""

import torch
from torch import Tensor

from ..precision import without_autocast
from ..tensor_arguments import check_numbers, check_shape, check_tensors, given
from ..tracing import assert_on_gpu, is_mapping, is_readable


@without_autocast
def edge_vectors(
    positions: Tensor,
    edge_index: Tensor,
    edge_shifts: Tensor | None = None,
    cell: Tensor | None = None,
    batch: Tensor | None = None,
) -> Tensor:
    r"""Edge vectors :math:`r_{ij} = r_j - r_i + s_{ij} h` from centres to their neighbours.

    They are differentiable in positions and cell, any number of times.

    Parameters
    ----------
    positions : Tensor ``(N, 3)``
        Positions, a length.
    edge_index : Tensor ``(2, E)``, int64
        Neighbours (row 0) and centres (row 1), in any order.
    edge_shifts : Tensor ``(E, 3)``, dtype of `positions`, optional
        Whole numbers of cell vectors to add, as from :func:`anisoap_e3nn.graph.neighbor_list`; zero by
        default.
    cell : Tensor ``(3, 3)`` or ``(B, 3, 3)``, dtype of `positions`, optional
        Cell vectors as rows; required if a shift is not zero.
    batch : Tensor ``(N,)``, int64, optional
        Frame of each particle; required for several cells.

    Returns
    -------
    Tensor ``(E, 3)``

    Raises
    ------
    ValueError
        If there are shifts without a cell, or several cells without a batch.
    """
    check_numbers(positions=positions, **given(edge_shifts=edge_shifts, cell=cell))
    check_shape("positions", positions, (-1, 3))
    check_tensors(positions=positions, edge_index=edge_index, **given(batch=batch))
    check_shape("edge_index", edge_index, (2, -1))
    if edge_shifts is not None:
        check_shape("edge_shifts", edge_shifts, (edge_index.shape[1], 3))
    if cell is not None:
        check_shape("cell", cell, (3, 3) if cell.dim() == 2 else (-1, 3, 3))
    if batch is not None:
        check_shape("batch", batch, (positions.shape[0],))
    try:
        return _vectors(positions, edge_index, edge_shifts, cell, batch)
    except IndexError as error:
        raise ValueError(
            f"edge_index or batch has an index that is out of range for {len(positions)} particles: {error}"
        ) from error


def _vectors(
    positions: Tensor,
    edge_index: Tensor,
    edge_shifts: Tensor | None,
    cell: Tensor | None,
    batch: Tensor | None,
) -> Tensor:
    if edge_index.dtype not in (torch.int64, torch.int32):
        raise TypeError(f"edge_index is {edge_index.dtype}, expected torch.int64; use .long()")
    neighbors, centers = edge_index.unbind()
    # in place: fresh memory costs more than arithmetic
    vectors = positions.index_select(0, neighbors)
    vectors -= positions.index_select(0, centers)  # -> [edge, 3]
    if edge_shifts is None:
        return vectors
    if cell is None:
        without_cell = "found edge_shifts to periodic images without a cell; give the cell"
        assert_on_gpu(edge_shifts, lambda s: s == 0, without_cell)
        if is_readable(edge_shifts) and edge_shifts.any():
            raise ValueError(without_cell)
        return vectors
    mapping = not torch.compiler.is_compiling() and is_mapping()  # has few operations in place
    if cell.dim() == 2 or cell.shape[0] == 1:
        cell = cell.view(3, 3)
        return vectors + edge_shifts @ cell if mapping else vectors.addmm_(edge_shifts, cell)
    if batch is None:
        raise ValueError(
            f"found {cell.shape[0]} cells without batch; give batch, the frame of each particle"
        )
    frames = batch.index_select(0, centers)  # -> [edge]
    for shift, lattice_vectors in zip(edge_shifts.unbind(1), cell.unbind(1), strict=True):
        lattice_vectors = lattice_vectors.index_select(0, frames)  # -> [edge, 3]
        if mapping:
            vectors = vectors + shift[:, None] * lattice_vectors
        else:
            vectors.addcmul_(shift[:, None], lattice_vectors)
    return vectors
