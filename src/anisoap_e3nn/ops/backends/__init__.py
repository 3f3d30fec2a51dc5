"""The implementations of each operation, and the choice between them."""

import os
import warnings
from collections.abc import Callable, Iterable

from torch import Tensor

from . import native, reference, sparse_native, sparse_reference, sparse_triton

_BACKENDS: dict[str, dict[str, Callable[..., Tensor]]] = {
    "torch": {
        "gaussian_moments": reference.gaussian_moments,
        "sparse_product": sparse_reference.sparse_product,
    },
    "native": {
        "gaussian_moments": native.gaussian_moments,
        "sparse_product": sparse_native.sparse_product,
    },
}
_warned = False


def choose_backend(
    operation: str, tensors: Iterable[Tensor | None], backend: str | None = None
) -> Callable[..., Tensor]:
    """The function that carries out an operation on these tensors.

    The argument `backend` wins over the environment variable ``ANISOAP_E3NN_BACKEND``. The native backend
    runs on the CPU only. On NVIDIA GPUs its operations have kernels in Triton, which torch for CUDA brings
    along. Other tensors go to the torch backend, and so do those on the CPU where the native backend was not
    built.
    """
    name = backend or os.environ.get("ANISOAP_E3NN_BACKEND") or None
    if name not in (None, *_BACKENDS):
        raise ValueError(f"unknown backend {name!r}, expected one of {', '.join(_BACKENDS)}")
    if name == "native" and native.unavailable:
        raise ValueError(
            f"the native backend is not available ({native.unavailable}); reinstall with a C++17 compiler "
            "(GCC or Clang) at hand, or use backend='torch'"
        )
    devices = {tensor.device.type for tensor in tensors if tensor is not None}
    if name is None and devices == {"cuda"} and not sparse_triton.unavailable:
        return _BACKENDS["native"][operation]  # the same operations, with Triton's kernels
    on_cpu = devices <= {"cpu"}
    if name == "torch" or not on_cpu:
        return _BACKENDS["torch"][operation]
    if native.unavailable:
        _warn_once()
        return _BACKENDS["torch"][operation]
    return _BACKENDS["native"][operation]


def _warn_once() -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            "anisoap_e3nn runs on its torch backend, which is much slower on CPUs: the native backend is "
            f"not available ({native.unavailable}). Reinstall with a C++17 compiler (GCC or Clang) at hand.",
            RuntimeWarning,
            stacklevel=4,
        )
