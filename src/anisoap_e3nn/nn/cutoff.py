"""Cutoff functions: how a neighbour's weight falls to zero with its distance."""

import math

import torch
from torch import Tensor


class ShiftedCosine(torch.nn.Module):
    r"""The cosine cutoff :math:`f(r) = \tfrac12 \left[ 1 + \cos(\pi r / r_{cut}) \right]`, 0 beyond.

    Parameters
    ----------
    cutoff : float
        :math:`r_{cut}`, in the unit of the positions.

    Examples
    --------
    >>> ShiftedCosine(4.0)(torch.tensor([0.0, 2.0, 4.0, 5.0]))
    tensor([1.0000, 0.5000, 0.0000, 0.0000])
    """

    def __init__(self, cutoff: float) -> None:
        super().__init__()
        self.cutoff = cutoff

    def forward(self, distances: Tensor) -> Tensor:
        """Weights ``(...)`` of the `distances` ``(...)``."""
        return 0.5 + 0.5 * torch.cos(math.pi * (distances / self.cutoff).clamp(max=1.0))

    def extra_repr(self) -> str:
        return f"cutoff={self.cutoff}"


def build_cutoff_function(
    function: str | torch.nn.Module | None, cutoff: float
) -> torch.nn.Module | None:
    """The module of that name; modules, and None for no cutoff function, are passed on."""
    if function is None or isinstance(function, torch.nn.Module):
        return function
    if function == "shifted_cosine":
        return ShiftedCosine(cutoff)
    raise ValueError(
        f"unknown cutoff_function {function!r}, expected None, 'shifted_cosine' or a module"
    )
