"""Backend ``native``: C++ on the CPU, with as many threads as torch has, twice differentiable."""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..monomials import moment_exponents
from .batching import one_by_one

unavailable = ""  # why the compiled extension cannot be used, in words
try:
    _native: Any = import_module("anisoap_e3nn._native")
except ImportError as error:
    unavailable = str(error)

FourTensors = tuple[Tensor, Tensor, Tensor, Tensor]
FiveTensors = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


@torch.library.custom_op("anisoap_e3nn::gaussian_moments", mutates_args=(), device_types="cpu")
def gaussian_moments(
    edge_vectors: Tensor,
    neighbors: Tensor,
    segments: Tensor,
    n_segments: int,
    covariances: Tensor,
    weights: Tensor,
    pair_weights: Tensor | None,
    own_segments: Tensor | None,
    exponent: float,
    degree: int,
) -> Tensor:
    """See :func:`anisoap_e3nn.ops.gaussian_moments`; no array of size edges × moments is made."""
    arguments = (edge_vectors, neighbors, segments, n_segments, covariances, weights)
    problem = _problem(*arguments, pair_weights, own_segments, exponent, degree)
    moments = edge_vectors.new_empty(n_segments, len(_positions(degree)))
    problem.value(moments.numpy())
    return moments


@torch.library.custom_op(
    "anisoap_e3nn::gaussian_moments_backward", mutates_args=(), device_types="cpu"
)
def gaussian_moments_backward(
    cotangent: Tensor,
    edge_vectors: Tensor,
    neighbors: Tensor,
    segments: Tensor,
    n_segments: int,
    covariances: Tensor,
    weights: Tensor,
    pair_weights: Tensor | None,
    own_segments: Tensor | None,
    exponent: float,
    degree: int,
    of_particles: bool,
) -> FourTensors:
    """Derivatives of ⟨cotangent, moments⟩ with respect to vectors, covariances, weights and pair weights.

    Those of covariances and weights are empty unless `of_particles`; that of no pair weights is empty.
    """
    arguments = (edge_vectors, neighbors, segments, n_segments, covariances, weights)
    problem = _problem(*arguments, pair_weights, own_segments, exponent, degree)
    out = _like(edge_vectors, covariances, weights, pair_weights, of_particles)
    problem.first_derivative(_array(cotangent), *_arrays_or_none(out, pair_weights, of_particles))
    return out


@torch.library.custom_op(
    "anisoap_e3nn::gaussian_moments_double_backward", mutates_args=(), device_types="cpu"
)
def gaussian_moments_double_backward(
    edge_tangents: Tensor,
    covariance_tangents: Tensor,
    weight_tangents: Tensor,
    pair_weight_tangents: Tensor,
    cotangent: Tensor,
    edge_vectors: Tensor,
    neighbors: Tensor,
    segments: Tensor,
    n_segments: int,
    covariances: Tensor,
    weights: Tensor,
    pair_weights: Tensor | None,
    own_segments: Tensor | None,
    exponent: float,
    degree: int,
    of_particles: bool,
) -> FiveTensors:
    """Derivatives of ⟨tangents, first derivative⟩: with respect to the cotangent, then as the first."""
    arguments = (edge_vectors, neighbors, segments, n_segments, covariances, weights)
    problem = _problem(*arguments, pair_weights, own_segments, exponent, degree)
    d_cotangent = torch.empty_like(cotangent, memory_format=torch.contiguous_format)
    out = _like(edge_vectors, covariances, weights, pair_weights, of_particles)
    problem.second_derivative(
        _array(edge_tangents),
        _array(covariance_tangents),
        _array(weight_tangents),
        None if pair_weights is None else _array(pair_weight_tangents),
        _array(cotangent),
        d_cotangent.numpy(),
        *_arrays_or_none(out, pair_weights, of_particles),
    )
    return (d_cotangent, *out)


@gaussian_moments.register_fake
def _(
    edge_vectors: Tensor, neighbors: Tensor, segments: Tensor, n_segments: int, *others: Any
) -> Tensor:
    return edge_vectors.new_empty(n_segments, len(moment_exponents(others[-1])))


@gaussian_moments_backward.register_fake
def _(cotangent: Tensor, edge_vectors: Tensor, *others: Any) -> FourTensors:
    covariances, weights, pair_weights = others[3:6]
    return _like(edge_vectors, covariances, weights, pair_weights, others[-1])


@gaussian_moments_double_backward.register_fake
def _(*arguments: Any) -> FiveTensors:
    cotangent, edge_vectors = arguments[4:6]
    covariances, weights, pair_weights = arguments[9:12]
    out = _like(edge_vectors, covariances, weights, pair_weights, arguments[-1])
    return (torch.empty_like(cotangent, memory_format=torch.contiguous_format), *out)


def _save(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    tensors = [value for value in inputs if isinstance(value, Tensor)]
    ctx.save_for_backward(*tensors)
    ctx.template = [None if isinstance(value, Tensor) else value for value in inputs]
    ctx.is_tensor = [isinstance(value, Tensor) for value in inputs]


def _saved(ctx: Any) -> list[Any]:
    tensors = iter(ctx.saved_tensors)
    return [
        next(tensors) if is_tensor else value
        for is_tensor, value in zip(ctx.is_tensor, ctx.template, strict=True)
    ]


def _backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor | None, ...]:
    inputs = _saved(ctx)
    of_particles = ctx.needs_input_grad[4] or ctx.needs_input_grad[5]
    d_vectors, d_covariances, d_weights, d_pair_weights = gaussian_moments_backward(
        cotangent, *inputs, of_particles
    )
    return (
        d_vectors,
        *(None, None, None),
        *((d_covariances, d_weights) if of_particles else (None, None)),
        None if inputs[6] is None else d_pair_weights,
        *(None, None, None),
    )


def _double_backward(ctx: Any, *tangents: Tensor) -> tuple[Tensor | None, ...]:
    cotangent, *inputs, first_of_particles = _saved(ctx)
    edge_tangents, covariance_tangents, weight_tangents, pair_weight_tangents = tangents
    if not first_of_particles:
        covariance_tangents, weight_tangents = (torch.zeros_like(t) for t in inputs[4:6])
    of_particles = ctx.needs_input_grad[5] or ctx.needs_input_grad[6]
    d_cotangent, d_vectors, d_covariances, d_weights, d_pair_weights = (
        gaussian_moments_double_backward(
            edge_tangents,
            covariance_tangents,
            weight_tangents,
            pair_weight_tangents,
            cotangent,
            *inputs,
            of_particles,
        )
    )
    return (
        d_cotangent,
        d_vectors,
        *(None, None, None),
        *((d_covariances, d_weights) if of_particles else (None, None)),
        None if inputs[6] is None else d_pair_weights,
        *(None, None, None, None),
    )


def _no_third_derivative(ctx: Any, *tangents: Tensor) -> tuple[None, ...]:
    raise NotImplementedError(
        "the native backend has first and second derivatives; for a third, use backend='torch' or the "
        "environment variable ANISOAP_E3NN_BACKEND=torch"
    )


gaussian_moments.register_autograd(_backward, setup_context=_save)
gaussian_moments_backward.register_autograd(_double_backward, setup_context=_save)
gaussian_moments_double_backward.register_autograd(_no_third_derivative)


for _operation in (gaussian_moments, gaussian_moments_backward, gaussian_moments_double_backward):
    _operation.register_vmap(one_by_one(_operation))


@cache
def _positions(degree: int) -> NDArray[np.int64]:
    """Where the kernel, which counts exponents in rising order, stores each moment."""
    stored_at = {n: position for position, n in enumerate(moment_exponents(degree))}
    return np.array([stored_at[n] for n in sorted(stored_at)], dtype=np.int64)


def _problem(
    edge_vectors: Tensor,
    neighbors: Tensor,
    segments: Tensor,
    n_segments: int,
    covariances: Tensor,
    weights: Tensor,
    pair_weights: Tensor | None,
    own_segments: Tensor | None,
    exponent: float,
    degree: int,
) -> Any:
    double = edge_vectors.dtype == torch.float64
    return (_native.GaussianMoments64 if double else _native.GaussianMoments32)(
        _array(edge_vectors),
        _array(neighbors),
        _array(segments),
        n_segments,
        _array(covariances),
        _array(weights),
        None if pair_weights is None else _array(pair_weights),
        None if own_segments is None else _array(own_segments),
        exponent,
        degree,
        _positions(degree),
        torch.get_num_threads(),
    )


def _like(
    edge_vectors: Tensor,
    covariances: Tensor,
    weights: Tensor,
    pair_weights: Tensor | None,
    of_particles: bool,
) -> FourTensors:
    def empty(tensor: Tensor | None) -> Tensor:
        return edge_vectors.new_empty((0,) if tensor is None else tuple(tensor.shape))

    particles = (covariances, weights) if of_particles else (None, None)
    d_covariances, d_weights = (empty(tensor) for tensor in particles)
    return empty(edge_vectors), d_covariances, d_weights, empty(pair_weights)


def _arrays_or_none(
    out: FourTensors, pair_weights: Tensor | None, of_particles: bool
) -> Sequence[NDArray[np.generic] | None]:
    present = (True, of_particles, of_particles, pair_weights is not None)
    return [t.numpy() if given else None for t, given in zip(out, present, strict=True)]


def _array(tensor: Tensor) -> NDArray[np.generic]:
    array: NDArray[np.generic] = tensor.detach().contiguous().numpy()
    return array
