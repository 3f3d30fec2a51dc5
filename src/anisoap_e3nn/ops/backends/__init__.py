"""The engines that carry out an operation, and which of them serves which tensors."""

import os
import warnings
from collections.abc import Callable, Iterable

from torch import Tensor

from . import native, reference, sparse_native, sparse_reference

_ENGINES: dict[str, dict[str, Callable[..., Tensor]]] = {
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


def choose_engine(
    operation: str, tensors: Iterable[Tensor | None], backend: str | None = None
) -> Callable[..., Tensor]:
    """The function that carries out `operation` on these tensors.

    `backend` wins over the environment variable ``ANISOAP_E3NN_BACKEND``. The native engine serves CPU
    tensors; all others, and machines where it was not built, get the torch engine.
    """
    name = backend or os.environ.get("ANISOAP_E3NN_BACKEND") or None
    if name not in (None, *_ENGINES):
        raise ValueError(f"unknown backend {name!r}, expected one of {', '.join(_ENGINES)}")
    if name == "native" and native.unavailable:
        raise ValueError(
            f"the native engine is not available ({native.unavailable}); reinstall with a C++17 compiler "
            "(GCC or Clang) at hand, or use backend='torch'"
        )
    served = all(tensor is None or tensor.device.type == "cpu" for tensor in tensors)
    if name == "torch" or not served:
        return _ENGINES["torch"][operation]
    if native.unavailable:
        _warn_once()
        return _ENGINES["torch"][operation]
    return _ENGINES["native"][operation]


def _warn_once() -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            f"anisoap_e3nn runs on its torch engine, which is much slower on CPUs: the native engine is "
            f"not available ({native.unavailable}). Reinstall with a C++17 compiler (GCC or Clang) at hand.",
            RuntimeWarning,
            stacklevel=4,
        )
