"""Polynomials that switch interactions off before their cutoff, and bound the gaps of pairs from below."""

import torch
from torch import Tensor


def smooth_switch(distances: Tensor, cutoff: float, width: float) -> Tensor:
    r"""Polynomial that falls from 1 to 0 over the last stretch before a cutoff.

    .. math:: s = x^4 (35 - 84 x + 70 x^2 - 20 x^3), \qquad x = \frac{r_{cut} - r}{w}

    It is 1 up to :math:`r_{cut} - w` and 0 from :math:`r_{cut}` on. Three derivatives are continuous.

    Parameters
    ----------
    distances : Tensor
        :math:`r`, of any shape.
    cutoff, width : float
        :math:`r_{cut}` and :math:`w > 0`, lengths.

    Returns
    -------
    Tensor
        Of the shape of `distances`.

    Examples
    --------
    >>> import torch
    >>> smooth_switch(torch.tensor([2.0, 2.5, 3.0]), cutoff=3.0, width=1.0)
    tensor([1.0000, 0.5000, 0.0000])
    """
    x = _fraction_left(distances, cutoff, width)
    return x**4 * (35 - 84 * x + 70 * x**2 - 20 * x**3)


def smooth_switch_derivative(distances: Tensor, cutoff: float, width: float) -> Tensor:
    r"""Derivative :math:`ds/dr` of :func:`smooth_switch`, with the same arguments."""
    x = _fraction_left(distances, cutoff, width)
    return -140 / width * (x * (1 - x)) ** 3


def floored(gaps: Tensor, floor: float, width: float) -> Tensor:
    r"""Gaps between surfaces, bounded from below.

    .. math::
        f(g) = g \text{ for } g > g_0, \qquad
        f(g) = g_0 - w \int_0^{x} (1 - s(u)) \, du, \quad x = \min\left(\frac{g_0 - g}{w}, 1\right),
        \quad s(u) = u^4 (35 - 84 u + 70 u^2 - 20 u^3)

    The function falls to :math:`g_0 - w / 2` and stays there. Four derivatives are continuous.

    Parameters
    ----------
    gaps : Tensor
        :math:`g`, of any shape.
    floor, width : float
        :math:`g_0` and :math:`w > 0`, lengths.

    Returns
    -------
    Tensor
        Of the shape of `gaps`.

    Examples
    --------
    >>> floored(torch.tensor([1.0, 0.0, -1.0, -5.0]), floor=0.0, width=1.0)
    tensor([ 1.0000,  0.0000, -0.5000, -0.5000])
    """
    x = _fraction_left(gaps, floor, width)
    bent = x - x**5 * (7 - 14 * x + 10 * x**2 - 2.5 * x**3)
    # at the floor itself too: the derivative of clamp there depends on the version of torch
    return torch.where(gaps >= floor, gaps, floor - width * bent)


def floored_derivative(gaps: Tensor, floor: float, width: float) -> Tensor:
    r"""Derivative :math:`df/dg` of :func:`floored`, with the same arguments."""
    x = _fraction_left(gaps, floor, width)
    return 1 - x**4 * (35 - 84 * x + 70 * x**2 - 20 * x**3)


def _fraction_left(distances: Tensor, cutoff: float, width: float) -> Tensor:
    return ((cutoff - distances) / width).clamp(0, 1)
