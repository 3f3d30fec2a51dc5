"""Exchange of features as an operation on torch's dispatcher, for compiled models.

Its kernel is the plugin's (``pair_style/network_operations.cpp``), since the pair style has the ghosts. Here
are its schema, its shapes and its derivative, which compilers need.
"""

from typing import Any

import torch
from torch import Tensor

_NAME = "anisoap_e3nn::exchange_features"
_library = torch.library.Library("anisoap_e3nn", "FRAGMENT")
_library.define("exchange_features(Tensor features, bool reverse) -> Tensor")


def exchange_features(features: Tensor) -> Tensor:
    """Features ``(all, width)`` with the owners' rows for ghosts."""
    exchanged: Tensor = torch.ops.anisoap_e3nn.exchange_features(features, False)
    return exchanged


def _empty(features: Tensor, reverse: bool) -> Tensor:
    return features.new_empty(features.shape)


def _keep_direction(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.reverse = inputs[1]


def _backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None]:
    return torch.ops.anisoap_e3nn.exchange_features(cotangent, not ctx.reverse), None


torch.library.register_fake(_NAME, _empty, lib=_library)
torch.library.register_autograd(_NAME, _backward, setup_context=_keep_direction, lib=_library)
