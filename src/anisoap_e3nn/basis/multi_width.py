"""Gaussian-type orbitals of several widths, orthonormalised together."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from ..arguments import not_negatives
from .orthonormalization import symmetric_orthonormalization
from .radial import GTOBasis, RadialBasis


@dataclass(frozen=True)
class MultiWidthGTOBasis(RadialBasis):
    r"""Gaussian-type orbitals of several widths :math:`\sigma_w`, orthonormalised together for each l.

    .. math::
        \phi_{nl}(r) = \sum_{w k} T^l_{n,wk} \, r^{l+2k} e^{-\beta_w r^2 / 2}, \qquad
        \beta_w = 1 / \sigma_w^2, \\
        T^l = S_l^{-1/2} \, \mathrm{diag}(N_{wk}), \qquad
        S_{wk,w'k'} = N_{wk} N_{w'k'} \int r^{2l+2k+2k'+2} e^{-r^2 (\beta_w + \beta_{w'}) / 2} dr

    Narrow functions resolve contacts, wide ones reach far. There are as many functions as widths times
    powers, those of the first width first. Each width costs a sweep over the edges.

    Parameters
    ----------
    widths : sequence of float
        :math:`\sigma_w`, two or more different lengths.

    Raises
    ------
    ValueError
        If there are fewer than two widths, two are equal, or one is not positive.
    TypeError
        If it is no sequence of numbers.

    Examples
    --------
    >>> basis = MultiWidthGTOBasis((0.5, 1.5))
    >>> basis.expansion(l=0, n_radial=2, rcond=1e-8).shape  # functions, widths · powers
    (4, 4)
    """

    widths: tuple[float, ...]

    def __post_init__(self) -> None:
        given = not_negatives("widths", self.widths)
        widths = tuple(GTOBasis(width).width for width in given)
        if len(set(widths)) < max(2, len(widths)):
            raise ValueError(f"the widths are {widths}, expected two or more different lengths")
        object.__setattr__(self, "widths", widths)

    @property
    def exponent(self) -> float:
        raise NotImplementedError(
            "functions of several widths have several exponents; use .exponents"
        )

    @property
    def exponents(self) -> tuple[float, ...]:
        return tuple(width**-2 for width in self.widths)

    def expansion(self, l: int, n_radial: int, rcond: float) -> NDArray[np.float64]:
        r""":math:`T^l` ``(n_widths * n_radial, n_widths * n_radial)``; see :class:`MultiWidthGTOBasis`."""
        powers = [l + 2 * k for k in range(n_radial)]
        functions = [(GTOBasis(width), power) for width in self.widths for power in powers]
        N = np.array([basis.normalization(power) for basis, power in functions])
        integrals = [[_integral(*f, *g) for f in functions] for g in functions]
        overlap = np.outer(N, N) * np.array(integrals)
        return symmetric_orthonormalization(overlap, l, rcond) * N


def _integral(basis1: GTOBasis, power1: int, basis2: GTOBasis, power2: int) -> float:
    """Overlap of two powers times Gaussians, that of two Gaussians of one mean exponent."""
    mean = GTOBasis(sqrt(2 / (basis1.exponent + basis2.exponent)))
    return mean.norm_integral((power1 + power2) / 2)
