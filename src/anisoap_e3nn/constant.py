"""Constant tensors of functions, which have no buffers."""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

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
        self._values = values
        self._copies: dict[tuple[torch.device, torch.dtype], Tensor] = {}

    def like(self, x: Tensor) -> Tensor:
        """The constant with the device and, if it is no integer, the dtype of a tensor."""
        values = torch.from_numpy(self._values)  # anew, since a tracer makes its own kind of tensor
        device, dtype = x.device, values.dtype
        if dtype.is_floating_point:
            dtype = x.dtype
        if device.type == "cpu" or type(x) not in (Tensor, torch.nn.Parameter) or is_tracing():
            return values.to(dtype).to(device)
        if (device, dtype) not in self._copies:
            # for autograd too, in whatever mode this call is
            with torch._C._DisableFuncTorch(), torch.inference_mode(False):
                self._copies[device, dtype] = torch.from_numpy(self._values).to(dtype).to(device)
        return self._copies[device, dtype]

    def __reduce__(self) -> tuple[Any, ...]:
        return Constant, (self._values,)
