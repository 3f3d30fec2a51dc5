"""Exchange of features between MPI ranks before each convolution of a network."""

import ctypes
from typing import Any

import torch
from torch import Tensor

from ...networks.convolution import Convolution


class FeatureExchange:
    """Features of ghosts from the ranks that own the particles, before every convolution of a model.

    Convolutions see the features of a rank's own particles and of ghosts, the copies of other ranks'
    particles. What a ghost has been told by its own neighbours only its owner knows. So every
    :class:`~anisoap_e3nn.networks.convolution.Convolution` first gets the owners' features. In the backward
    pass the gradients of ghosts are added to those of their owners.

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
    n_local : int
        Number of the rank's own particles, to be set before each evaluation.
    """

    def __init__(self, library: ctypes.CDLL, model: torch.nn.Module) -> None:
        self._exchange, self.n_local = library.anisoap_exchange, 0
        convolutions = [each for each in model.modules() if isinstance(each, Convolution)]
        self.width = max((each.irreps_in.dim for each in convolutions), default=0)
        for each in convolutions:
            each.register_forward_pre_hook(self._before)

    def _before(self, module: torch.nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        features, *others = inputs
        return (_Exchanged.apply(features, self), *others)

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
        sums = ctx.exchange(gradient, reverse=True)
        sums[ctx.exchange.n_local :] = 0
        return sums, None
