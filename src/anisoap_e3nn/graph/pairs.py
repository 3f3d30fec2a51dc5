"""Pairs of neighbours, without their reverses."""

import torch
from torch import Tensor

from ..tracing import is_mapping


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

    Raises
    ------
    NotImplementedError
        If ``torch.vmap`` maps over the edges, or over particles that are neighbours of their own images.
    """
    if not torch.compiler.is_compiling() and is_mapping():
        return _between_different_particles(edge_index)
    neighbors, centers = edge_index
    x, y, z = edge_vectors.detach().unbind(1)
    forward = (x > 0) | ((x == 0) & ((y > 0) | ((y == 0) & (z > 0))))
    first = (neighbors > centers) | ((neighbors == centers) & forward)  # -> [edge]
    return first.nonzero().squeeze(1)


def _between_different_particles(edge_index: Tensor) -> Tensor:
    """Indices as of :func:`one_of_each_pair`, without a look at vectors, which differ between members."""
    neighbors, centers = edge_index
    try:
        images = bool((neighbors == centers).any())
        first = (neighbors > centers).nonzero().squeeze(1)
    except RuntimeError as error:
        raise NotImplementedError(
            "torch.vmap maps over edge_index, expected the same edges for all members; use a batch of frames"
        ) from error
    if images:
        raise NotImplementedError(
            "torch.vmap maps over particles that are neighbours of their own images, where the edge of each "
            "pair depends on the member; use a batch of frames"
        )
    return first
