"""Constant tensors of functions, which have no buffers."""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from .tracing import is_tracing


class Constant:
    """A constant tensor, copied once to each GPU that needs it.

    A copy for each call would let the CPU wait for the GPU, and break the capture of a CUDA graph.

    Parameters
    ----------
    values : array, float64 or int64

    Examples
    --------
    >>> import numpy as np
    >>> third = Constant(np.array([1 / 3]))
    >>> third.like(torch.zeros(2))
    tensor([0.3333])
    """

    def __init__(self, values: NDArray[Any]) -> None:
        # a tensor with values, also where a tracer or torch.func needs the constant first
        with _disable_current_modes(), torch._C._DisableFuncTorch():
            self._values = torch.from_numpy(values)
        self._copies: dict[tuple[torch.device, torch.dtype], Tensor] = {}

    def like(self, x: Tensor) -> Tensor:
        """The constant with the device and, if it is no integer, the dtype of a tensor."""
        device, dtype = x.device, self._values.dtype
        if dtype.is_floating_point:
            dtype = x.dtype
        if device.type == "cpu" or type(x) not in (Tensor, torch.nn.Parameter) or is_tracing():
            return self._values.to(dtype).to(device)
        if (device, dtype) not in self._copies:
            # for autograd too, in whatever mode this call is
            with torch._C._DisableFuncTorch(), torch.inference_mode(False):
                self._copies[device, dtype] = self._values.to(dtype).to(device)
        return self._copies[device, dtype]

    def __reduce__(self) -> tuple[Any, ...]:
        return Constant, (self._values.numpy(),)
