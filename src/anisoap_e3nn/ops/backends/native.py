"""Engine ``native``: C++ on the CPU, with as many threads as torch has."""

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..monomials import moment_exponents

unavailable = ""  # why the compiled extension cannot be used, in words
try:
    _native: Any = import_module("anisoap_e3nn._native")
except ImportError as error:
    unavailable = str(error)


@cache
def _positions(degree: int) -> NDArray[np.int64]:
    """Where the kernel, which counts exponents in rising order, stores each moment."""
    stored_at = {n: position for position, n in enumerate(moment_exponents(degree))}
    return np.array([stored_at[n] for n in sorted(stored_at)], dtype=np.int64)


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
    positions = _positions(degree)
    moments = edge_vectors.new_empty(n_segments, len(positions))
    _native.gaussian_moments(
        _array(edge_vectors),
        _array(neighbors),
        _array(segments),
        _array(covariances),
        _array(weights),
        None if pair_weights is None else _array(pair_weights),
        None if own_segments is None else _array(own_segments),
        exponent,
        degree,
        positions,
        moments.numpy(),
        torch.get_num_threads(),
    )
    return moments


@gaussian_moments.register_fake
def _(
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
    return edge_vectors.new_empty(n_segments, len(moment_exponents(degree)))


def _array(tensor: Tensor) -> NDArray[np.generic]:
    array: NDArray[np.generic] = tensor.detach().contiguous().numpy()
    return array
