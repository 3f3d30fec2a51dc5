"""Exchange of features between MPI ranks before each convolution of a network.

Convolutions see the features of a rank's own particles and of ghosts, the copies of other ranks' particles.
What a ghost has been told by its own neighbours only its owner knows. So every
:class:`~anisoap_e3nn.networks.convolution.Convolution` first gets the owners' features. In the backward pass
the gradients of ghosts are added to those of their owners, and are zero then. The two are linear maps, and
transposes of each other.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...networks.convolution import Convolution


def exchange_before_convolutions(
    model: torch.nn.Module, exchange: Callable[[Tensor], Tensor]
) -> int:
    """Let each convolution of a model exchange its features first, by a forward pre-hook.

    Parameters
    ----------
    model : Module
    exchange : function
        From features ``(all, width)`` to those with the owners' rows for ghosts.

    Returns
    -------
    int
        Most features of a particle that are exchanged; 0 without convolutions.
    """

    def before(module: torch.nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        features, *others = inputs
        return (exchange(features), *others)

    convolutions = [each for each in model.modules() if isinstance(each, Convolution)]
    for each in convolutions:
        each.register_forward_pre_hook(before)
    return max((each.irreps_in.dim for each in convolutions), default=0)


class FeatureExchange:
    """Exchange by the plugin that has called Python.

    Parameters
    ----------
    library : CDLL
        The plugin.
    model : Module
        Model whose convolutions get a forward pre-hook.

    Attributes
    ----------
    width : int
        Most features of a particle that are exchanged; 0 without convolutions.
    """

    def __init__(self, library: ctypes.CDLL, model: torch.nn.Module) -> None:
        self._exchange = library.anisoap_exchange
        self.width = exchange_before_convolutions(model, lambda x: _Exchanged.apply(x, self))

    def __call__(self, features: Tensor, reverse: bool) -> Tensor:
        """Features ``(all, width)`` after an exchange, a copy."""
        # a copy of its own memory, which the other side writes to
        rows = features.detach().to(torch.float64, copy=True).contiguous()
        self._exchange(
            ctypes.c_void_p(rows.data_ptr()), ctypes.c_int64(rows.shape[1]), int(reverse)
        )
        return rows.to(features.dtype)


class _Exchanged(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, exchange: FeatureExchange) -> Tensor:
        ctx.exchange = exchange
        return exchange(features, reverse=False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.exchange(gradient, reverse=True), None
