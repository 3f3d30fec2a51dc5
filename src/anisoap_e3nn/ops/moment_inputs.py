"""The inputs of gaussian_moments, as every backend takes them."""

from typing import NamedTuple

import torch
from torch import Tensor

from ..arguments import integer, not_negative
from ..tensor_arguments import check_tensors
from ..tracing import is_tracing


class MomentInputs(NamedTuple):
    """Arguments of :func:`~anisoap_e3nn.ops.gaussian_moments`, in the order of the compiled operations."""

    edge_vectors: Tensor  # -> [edge, 3]
    neighbors: Tensor  # int64 -> [edge]
    segments: Tensor  # int64 -> [edge]
    n_segments: int
    covariances: Tensor  # -> [particle, 3, 3]
    weights: Tensor  # -> [particle]
    pair_weights: Tensor | None  # -> [edge]
    own_segments: Tensor | None  # int64 -> [particle]
    exponent: float
    degree: int


def check_inputs(inputs: MomentInputs) -> None:
    """Refuse tensors whose shapes or types do not fit each other."""
    floats = ("edge_vectors", "covariances", "weights", "pair_weights")
    indices = ("edge_vectors", "neighbors", "segments", "own_segments")
    values = inputs._asdict()
    for names in (floats, indices):
        tensors = {name: values[name] for name in names}
        optional = ("pair_weights", "own_segments")
        check_tensors(**{k: v for k, v in tensors.items() if k not in optional or v is not None})
    if not is_tracing():  # whose numbers are symbols
        integer("n_segments", inputs.n_segments, at_least=0)
        integer("degree", inputs.degree, at_least=0)
        not_negative("exponent", inputs.exponent)
    edges, particles = inputs.edge_vectors.shape[:1], inputs.covariances.shape[:1]
    floating = inputs.edge_vectors.dtype
    if floating not in (torch.float32, torch.float64):
        raise TypeError(f"edge_vectors is {floating}, expected torch.float32 or torch.float64")
    expected = {
        "edge_vectors": (inputs.edge_vectors, (*edges, 3), floating),
        "neighbors": (inputs.neighbors, edges, torch.int64),
        "segments": (inputs.segments, edges, torch.int64),
        "covariances": (inputs.covariances, (*particles, 3, 3), floating),
        "weights": (inputs.weights, particles, floating),
        "pair_weights": (inputs.pair_weights, edges, floating),
        "own_segments": (inputs.own_segments, particles, torch.int64),
    }
    for name, (tensor, shape, dtype) in expected.items():
        if tensor is None:
            continue
        if tensor.shape != shape:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}, expected {tuple(shape)}")
        if tensor.dtype != dtype:
            raise TypeError(
                f"{name} is {tensor.dtype}, expected {dtype} as edge_vectors has it"
                if dtype.is_floating_point
                else f"{name} is {tensor.dtype}, expected {dtype}"
            )
