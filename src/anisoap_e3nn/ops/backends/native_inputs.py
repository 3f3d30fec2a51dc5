"""What calls into C++ that take particles and edges as a user gives them can serve."""

import torch
from torch import Tensor

from ...tracing import is_differentiating, is_tracing
from . import backend_for

_KINDS = (Tensor, torch.nn.Parameter)  # not subclasses, which may hold no memory of their own


def native_takes(
    types: Tensor,
    orientations: Tensor,
    semiaxes: Tensor,
    edge_vectors: Tensor,
    edge_index: Tensor,
    *constants: Tensor,
) -> bool:
    """Whether the native backend is the one to use for these tensors, and their result needs no graph.

    False for tensors of the wrong types or shapes, too, which are left to the definition in torch to refuse.
    """
    floats = (orientations, semiaxes, edge_vectors, *constants)
    tensors = (types, edge_index, *floats)
    for tensor in tensors:
        if type(tensor) not in _KINDS or tensor.layout is not torch.strided:
            return False
    dtype = semiaxes.dtype
    for tensor in floats:
        if tensor.dtype is not dtype:
            return False
    if dtype is not torch.float32 and dtype is not torch.float64:
        return False
    if types.dtype is not torch.int64 or edge_index.dtype is not torch.int64:
        return False
    if is_tracing() or is_differentiating(*floats) or backend_for(tensors) != "native":
        return False
    n, n_edges = types.shape[:1], edge_vectors.shape[:1]
    return (
        types.shape == n
        and semiaxes.shape == (*n, 3)
        and orientations.shape in ((*n, 4), (*n, 3, 3))
        and edge_vectors.shape == (*n_edges, 3)
        and edge_index.shape == (2, *n_edges)
    )
