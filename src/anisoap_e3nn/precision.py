"""Computations in the dtype of their inputs, also inside ``torch.autocast``."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

_P = ParamSpec("_P")
_R = TypeVar("_R")
_DEVICES = tuple(
    device for device in ("cpu", "cuda", "xpu", "mps") if torch.amp.is_autocast_available(device)
)


def in_float64(x: Tensor) -> Tensor:
    """The tensor in float64; on Apple's GPUs, which have none, in its own dtype."""
    return x if x.device.type == "mps" else x.double()


def without_autocast(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Decorate a function so that it computes in the dtype of its inputs.

    ``torch.autocast`` is switched off while the function runs. Forces and equivariance do not survive
    numbers of two or three digits.

    Examples
    --------
    >>> @without_autocast
    ... def squared(x):
    ...     return x @ x
    >>> with torch.autocast("cpu", dtype=torch.bfloat16):
    ...     squared(torch.eye(2)).dtype
    torch.float32
    """

    @wraps(function)
    def in_own_dtype(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        for device in _DEVICES:
            if torch.is_autocast_enabled(device):
                with torch.autocast(device, enabled=False):
                    return in_own_dtype(*args, **kwargs)  # there may be another device
        return function(*args, **kwargs)

    return in_own_dtype
