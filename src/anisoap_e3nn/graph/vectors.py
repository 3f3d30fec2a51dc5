"""Vectors along edges."""

from torch import Tensor

from ..tracing import is_tracing


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
        Lattice vectors to add, as :func:`anisoap_e3nn.graph.neighbor_list` returns them; without it, none.
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
    neighbors, centers = edge_index.unbind()
    # in place, since fresh memory costs more than the arithmetic
    vectors = positions.index_select(0, neighbors)
    vectors -= positions.index_select(0, centers)  # -> [edge, 3]
    if edge_shifts is None:
        return vectors
    if cell is None:
        if not is_tracing() and edge_shifts.any():
            raise ValueError("edge_shifts lead to periodic images: give the cell too")
        return vectors
    if cell.dim() == 2 or cell.shape[0] == 1:
        return vectors.addmm_(edge_shifts, cell.view(3, 3))
    if batch is None:
        raise ValueError(f"{cell.shape[0]} cells need batch, the frame of each particle")
    frames = batch.index_select(0, centers)  # -> [edge]
    for shift, lattice_vectors in zip(edge_shifts.unbind(1), cell.unbind(1), strict=True):
        vectors.addcmul_(shift[:, None], lattice_vectors.index_select(0, frames))
    return vectors
