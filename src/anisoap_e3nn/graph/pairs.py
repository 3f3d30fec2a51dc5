"""Pairs of neighbours, without their reverses."""

from torch import Tensor


def one_of_each_pair(edge_index: Tensor, edge_vectors: Tensor) -> Tensor:
    """Indices of one edge of each pair.

    Of the two directions of a pair, the edge whose neighbour has a larger index than its centre is selected.
    Between a particle and its own images, the edge is selected whose vector has a positive first non-zero
    component.

    Parameters
    ----------
    edge_index : Tensor ``(2, edge)``, int64
        Neighbours (row 0) and centres (row 1); both directions of each pair.
    edge_vectors : Tensor ``(edge, 3)``
        Vectors from centre to neighbour.

    Returns
    -------
    Tensor ``(pair,)``, int64
        Indices of edges, in ascending order.

    """
    neighbors, centers = edge_index
    x, y, z = edge_vectors.detach().unbind(1)
    forward = (x > 0) | ((x == 0) & ((y > 0) | ((y == 0) & (z > 0))))
    first = (neighbors > centers) | ((neighbors == centers) & forward)  # -> [edge]
    return first.nonzero().squeeze(1)
