"""nequip's perceptrons of edges, as one operation of ours."""

import torch
from nequip.nn.mlp import ScalarLinearLayer, ScalarMLPFunction
from torch import Tensor

from ...ops import perceptron


class RadialMLP(torch.nn.Module):
    r"""Layers :math:`x' = \alpha \, \mathrm{silu}(x) W`, the first without the activation.

    Parameters
    ----------
    function : nequip.nn.mlp.ScalarMLPFunction
        The module that this one replaces. Its layers are kept, with their weights and names.
    """

    _nequip_custom_ops_libs = ("anisoap_e3nn.ops",)

    def __init__(self, function: ScalarMLPFunction) -> None:
        super().__init__()
        self.mlp = function.mlp

    @staticmethod
    def fits(function: ScalarMLPFunction) -> bool:
        """Whether layers alternate with silu and have no bias."""
        modules = list(function.mlp.children())
        return (
            isinstance(function.mlp, torch.nn.Sequential)
            and all(isinstance(layer, ScalarLinearLayer) for layer in modules[::2])
            and all(layer.bias is None for layer in modules[::2])
            and all(isinstance(activation, torch.nn.SiLU) for activation in modules[1::2])
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(edge, input_dim)`` to ``(edge, output_dim)``."""
        layers = list(self.mlp.children())[::2]
        return perceptron(x, [layer.weight * layer.alpha for layer in layers])  # -> [edge, output]
