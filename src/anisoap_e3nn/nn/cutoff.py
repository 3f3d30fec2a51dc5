"""Cutoff functions: how a neighbour's weight falls to zero with its distance."""

import math

import torch
from torch import Tensor

from ..arguments import positive


class _CutoffFunction(torch.nn.Module):
    """A function of x = r / r_cut up to x = 1."""

    def __init__(self, cutoff: float) -> None:
        super().__init__()
        self.cutoff = positive("cutoff", cutoff, "length")
        self.hyperparameters: dict[str, float] = {"cutoff": self.cutoff}

    def _fractions(self, distances: Tensor) -> Tensor:
        return (distances / self.cutoff).clamp(max=1.0)

    def extra_repr(self) -> str:
        return f"cutoff={self.cutoff}"


class ShiftedCosine(_CutoffFunction):
    r"""The cosine cutoff :math:`f(r) = \tfrac12 \left[ 1 + \cos(\pi r / r_{cut}) \right]`, 0 beyond.

    At the cutoff it is continuous with its first derivative, but its second jumps from
    :math:`\pi^2 / 2 r_{cut}^2` to 0, and curvatures of energies with it (Behler and Parrinello, Phys. Rev.
    Lett. 98, 146401, 2007). See :class:`PolynomialCutoff` for one that does not.

    Parameters
    ----------
    cutoff : float
        :math:`r_{cut}`, in the unit of the positions.

    Raises
    ------
    ValueError
        For a cutoff that is not positive.

    Examples
    --------
    >>> ShiftedCosine(4.0)(torch.tensor([0.0, 2.0, 4.0, 5.0]))
    tensor([1.0000, 0.5000, 0.0000, 0.0000])
    """

    def forward(self, distances: Tensor) -> Tensor:
        """Weights ``(...)`` of the `distances` ``(...)``."""
        return 0.5 + 0.5 * torch.cos(math.pi * self._fractions(distances))


class PolynomialCutoff(_CutoffFunction):
    r"""The polynomial envelope of DimeNet, NequIP and MACE, continuous with two derivatives.

    .. math::
        f(r) = 1 - \frac{(p+1)(p+2)}{2} x^p + p(p+2) x^{p+1} - \frac{p(p+1)}{2} x^{p+2}, \qquad
        x = r / r_{cut} \le 1

    and 0 beyond (Gasteiger, Groß and Günnemann, ICLR 2020, arXiv:2003.03123). At the centre it is flat
    to order p - 1.

    Parameters
    ----------
    cutoff : float
        :math:`r_{cut}`, in the unit of the positions.
    p : int
        From 2 on; the larger, the later the weights fall.

    Raises
    ------
    ValueError
        For a cutoff that is not positive or p < 2, with which the centre is a cusp.

    Examples
    --------
    >>> PolynomialCutoff(4.0)(torch.tensor([0.0, 2.0, 4.0, 5.0]))
    tensor([1.0000, 0.8555, 0.0000, 0.0000])
    """

    def __init__(self, cutoff: float, p: int = 6) -> None:
        super().__init__(cutoff)
        if p < 2:
            raise ValueError(f"p is {p}, expected an integer ≥ 2")
        self.p = p
        self.hyperparameters["p"] = p

    def forward(self, distances: Tensor) -> Tensor:
        """Weights ``(...)`` of the `distances` ``(...)``."""
        x = self._fractions(distances)
        p, u = self.p, 1 - x
        # The same polynomial without its cancellations: the bracket is the series of x⁻ᵖ about x = 1.
        return 1 - x**p * (1 + p * u * (1 + 0.5 * (p + 1) * u))

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, p={self.p}"


_NAMED = {"shifted_cosine": ShiftedCosine, "polynomial": PolynomialCutoff}


def build_cutoff_function(
    function: str | torch.nn.Module | None, cutoff: float
) -> torch.nn.Module | None:
    """The module of that name; modules, and None for no cutoff function, are passed on."""
    if isinstance(function, str) and function in _NAMED:
        return _NAMED[function](cutoff)
    if isinstance(function, _CutoffFunction) and function.cutoff > cutoff:
        raise ValueError(
            f"cutoff_function ends at {function.cutoff} but neighbours at the cutoff {cutoff}, where "
            f"they would still count; build it with cutoff={cutoff}"
        )
    if function is None or isinstance(function, torch.nn.Module):
        return function
    names = ", ".join(map(repr, _NAMED))
    raise ValueError(f"unknown cutoff_function {function!r}, expected None, {names} or a module")
