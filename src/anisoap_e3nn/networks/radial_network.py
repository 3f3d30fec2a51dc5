"""The networks that turn invariants of edges into weights."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from e3nn.math import normalize2mom
from torch import Tensor

from ..ops import perceptron


class RadialNetwork(torch.nn.Module):
    r"""Network of layers :math:`x' = c \, \mathrm{silu}(x W / \sqrt{n})`, the last without the activation.

    n is the number of inputs of a layer, and c lets silu of a normal variable have the second moment 1. It is
    e3nn's ``FullyConnectedNet``, with the same weights and names of weights. The factors are applied to the
    weights, of which there are fewer than features of edges.

    Parameters
    ----------
    widths : sequence of int
        Numbers of inputs, of features of each hidden layer, and of outputs.

    Examples
    --------
    >>> import torch
    >>> radial = RadialNetwork([8, 64, 32])
    >>> radial(torch.ones(5, 8)).shape
    torch.Size([5, 32])
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.gain: float = normalize2mom(torch.nn.functional.silu).cst
        for k, (n_in, n_out) in enumerate(pairwise(widths)):
            layer = torch.nn.Module()
            layer.weight = torch.nn.Parameter(torch.randn(n_in, n_out))
            self.add_module(f"layer{k}", layer)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(edge, widths[0])`` to ``(edge, widths[-1])``."""
        gains = [1.0] + [self.gain] * len(self._modules)
        weights = [
            weight * (gain / weight.shape[0] ** 0.5)
            for weight, gain in zip(self.parameters(), gains, strict=False)
        ]
        return perceptron(x, weights)  # -> [edge, widths[-1]]
