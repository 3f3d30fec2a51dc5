"""A polynomial that switches interactions off before their cutoff."""

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


def _fraction_left(distances: Tensor, cutoff: float, width: float) -> Tensor:
    return ((cutoff - distances) / width).clamp(0, 1)
