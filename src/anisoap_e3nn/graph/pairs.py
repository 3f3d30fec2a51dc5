"""Pairs of neighbours, each once."""

from torch import Tensor


def one_of_each_pair(edge_index: Tensor, edge_vectors: Tensor) -> Tensor:
    """Positions of one edge of each pair.

    Of the two directions of a pair it is the one whose neighbour comes later than its centre, and between a
    particle and its own images the one whose vector's first component that is not zero is positive.

    Parameters
    ----------
    edge_index : Tensor ``(2, edge)``, int64
        Neighbours (row 0) and centres (row 1); both directions of each pair.
    edge_vectors : Tensor ``(edge, 3)``
        From centre to neighbour.

    Returns
    -------
    Tensor ``(pair,)``, int64
        In ascending order.
    """
    neighbors, centers = edge_index
    x, y, z = edge_vectors.detach().unbind(1)
    forward = (x > 0) | ((x == 0) & ((y > 0) | ((y == 0) & (z > 0))))
    first = (neighbors > centers) | ((neighbors == centers) & forward)  # -> [edge]
    return first.nonzero().squeeze(1)
