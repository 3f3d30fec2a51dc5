"""The implementations of each operation, and the choice between them."""

import os
import warnings
from collections.abc import Callable, Iterable

from torch import Tensor

from . import (
    convolution_native,
    convolution_reference,
    native,
    pair_coordinates_native,
    pair_coordinates_reference,
    perceptron_native,
    perceptron_reference,
    reference,
    sparse_native,
    sparse_reference,
    triton_convolution,
    triton_moments,
    triton_products,
    triton_source,
)

_BACKENDS: dict[str, dict[str, Callable[..., Tensor]]] = {
    "torch": {
        "convolution": convolution_reference.convolution,
        "gaussian_moments": reference.gaussian_moments,
        "pair_coordinates": pair_coordinates_reference.pair_coordinates,
        "perceptron": perceptron_reference.perceptron,
        "sparse_product": sparse_reference.sparse_product,
    },
    "native": {
        "convolution": convolution_native.convolution,
        "gaussian_moments": native.gaussian_moments,
        "pair_coordinates": pair_coordinates_native.pair_coordinates,
        "perceptron": perceptron_native.perceptron,
        "sparse_product": sparse_native.sparse_product,
    },
    "triton": {
        "convolution": triton_convolution.convolution,
        "gaussian_moments": triton_moments.gaussian_moments,
        "pair_coordinates": pair_coordinates_reference.pair_coordinates,
        "perceptron": perceptron_reference.perceptron,  # its matrix products are those of cuBLAS
        "sparse_product": triton_products.sparse_product,
    },
}
_warned = False


def choose_backend(
    operation: str, tensors: Iterable[Tensor | None], backend: str | None = None
) -> Callable[..., Tensor]:
    """The function that carries out an operation on these tensors, by :func:`backend_for`."""
    return _BACKENDS[backend_for(tensors, backend)][operation]


def backend_for(tensors: Iterable[Tensor | None], backend: str | None = None) -> str:
    """Name of the backend that serves these tensors.

    The argument `backend` wins over the environment variable ``ANISOAP_E3NN_BACKEND``. The native backend
    serves tensors on the CPU, the triton backend those on NVIDIA GPUs. The torch backend serves all others,
    and these too where the native backend was not built or Triton is not installed.
    """
    name = backend or os.environ.get("ANISOAP_E3NN_BACKEND") or None
    if name not in (None, *_BACKENDS):
        raise ValueError(f"unknown backend {name!r}, expected one of {', '.join(_BACKENDS)}")
    if name == "native" and native.unavailable:
        raise ValueError(
            f"the native backend is not available ({native.unavailable}); reinstall with a C++17 compiler "
            "(GCC or Clang) at hand, or use backend='torch'"
        )
    if name == "triton" and triton_source.unavailable:
        raise ValueError(
            f"the triton backend is not available ({triton_source.unavailable}); use backend='torch'"
        )
    devices = {tensor.device.type for tensor in tensors if tensor is not None}
    on_gpus = devices == {"cuda"} or (triton_source.interpreted and devices == {"cpu"})
    if name == "triton" or (name is None and devices == {"cuda"}):
        available = on_gpus and not triton_source.unavailable
        return "triton" if available else "torch"
    if name == "torch" or not devices <= {"cpu"}:
        return "torch"
    if native.unavailable:
        _warn_once()
        return "torch"
    return "native"


def _warn_once() -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            "anisoap_e3nn runs on its torch backend, which is much slower on CPUs: the native backend is "
            f"not available ({native.unavailable}). Reinstall with a C++17 compiler (GCC or Clang) at hand.",
            RuntimeWarning,
            stacklevel=5,
        )
