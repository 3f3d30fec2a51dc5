"""Computations in the dtype of their inputs, also inside ``torch.autocast``."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

_P = ParamSpec("_P")
_R = TypeVar("_R")
_DEVICES = ("cpu", "cuda", "xpu", "mps")


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
        devices = [
            device
            for device in _DEVICES
            if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)
        ]
        return _call(devices, function, *args, **kwargs)

    return in_own_dtype


def _call(
    devices: Sequence[str], function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs
) -> _R:
    if not devices:
        return function(*args, **kwargs)
    with torch.autocast(devices[0], enabled=False):
        return _call(devices[1:], function, *args, **kwargs)
