"""What calls into C++ that take particles and edges as a user gives them can serve."""

import torch
from torch import Tensor

from ...tracing import is_differentiating, is_tracing
from . import backend_for, native

_KINDS = (Tensor, torch.nn.Parameter)  # not subclasses, which may hold no memory of their own


def native_takes(types: Tensor, *particles: Tensor) -> bool:
    """Whether the native backend is the one to use for these tensors, and their result needs no graph.

    Parameters
    ----------
    types : Tensor ``(N,)``, int64
    *particles : Tensor
        Orientations, semi-axes, edge vectors and edge index, and further tensors of the same dtype.

    Returns
    -------
    bool
        False for tensors of the wrong types or shapes, too, which are left to the definition in torch to
        refuse.
    """
    orientations, semiaxes, edge_vectors, _, *constants = particles
    floats = (orientations, semiaxes, edge_vectors, *constants)
    return _reads(types, *particles) and not is_differentiating(*floats)


def are_legal(
    types: Tensor, orientations: Tensor, semiaxes: Tensor, edge_vectors: Tensor, edge_index: Tensor
) -> bool:
    """Whether the values of particles and edges were looked at, and are legal.

    They are finite, indices are in range, semi-axes are not negative, quaternions are not zero.
    """
    particles = orientations, semiaxes, edge_vectors, edge_index
    if not _reads(types, *particles) or torch._C._are_functorch_transforms_active():
        return False
    double = semiaxes.dtype == torch.float64
    module = native._native
    check = module.legal_inputs64 if double else module.legal_inputs32
    return bool(check(*map(native._array, particles)))


def _reads(
    types: Tensor,
    orientations: Tensor,
    semiaxes: Tensor,
    edge_vectors: Tensor,
    edge_index: Tensor,
    *constants: Tensor,
) -> bool:
    """Whether the native backend can read these tensors, and is the one to use for them."""
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
    if is_tracing() or backend_for(tensors) != "native":
        return False
    n, n_edges = types.shape[:1], edge_vectors.shape[:1]
    return (
        types.shape == n
        and semiaxes.shape == (*n, 3)
        and orientations.shape in ((*n, 4), (*n, 3, 3))
        and edge_vectors.shape == (*n_edges, 3)
        and edge_index.shape == (2, *n_edges)
    )
