"""What calls into C++ that take particles and edges as a user gives them can serve."""

import torch
from torch import Tensor

from ...tracing import is_differentiating, is_tracing
from . import backend_for


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
    if is_tracing() or not all(type(x) in (Tensor, torch.nn.Parameter) for x in tensors):
        return False
    if is_differentiating(*floats) or backend_for(tensors) != "native":
        return False
    dtype = semiaxes.dtype
    if dtype not in (torch.float32, torch.float64) or any(x.dtype != dtype for x in floats):
        return False
    if types.dtype != torch.int64 or edge_index.dtype != torch.int64:
        return False
    if any(x.layout != torch.strided for x in tensors):
        return False
    n, n_edges = types.shape[:1], edge_vectors.shape[:1]
    return (
        types.shape == n
        and semiaxes.shape == (*n, 3)
        and orientations.shape in ((*n, 4), (*n, 3, 3))
        and edge_vectors.shape == (*n_edges, 3)
        and edge_index.shape == (2, *n_edges)
    )
