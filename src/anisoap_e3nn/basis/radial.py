"""Radial functions: the interface, and orthonormalised Gaussian-type orbitals and monomials."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, is_dataclass
from math import gamma, sqrt
from sys import float_info
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arguments import positive
from .orthonormalization import symmetric_orthonormalization


class RadialBasis(ABC):
    r"""Radial functions that :class:`~anisoap_e3nn.AniSOAPEmbedding` can expand densities in.

    .. math::
        \phi_{nl}(r) = \sum_{k=0}^{n_{max}} T^l_{nk} \, r^{l+2k} e^{-\beta r^2 / 2}

    For functions of your own, write a subclass that says what :math:`\beta` and :math:`T^l` are: the property
    `exponent` and the method `expansion`. Make it a frozen dataclass, or define `hyperparameters` too.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class PlainGTO(RadialBasis):  # (r / σ)^{l+2n} exp(-r² / 2σ²), neither normalised nor orthogonal
    ...     width: float
    ...
    ...     @property
    ...     def exponent(self):
    ...         return self.width**-2
    ...
    ...     def expansion(self, l, n_radial, rcond):
    ...         return np.diag([self.width ** -(l + 2 * k) for k in range(n_radial)])
    >>> basis = PlainGTO(width=0.5)
    >>> basis.expansion(1, 2, rcond=0)
    array([[2., 0.],
           [0., 8.]])
    >>> basis.hyperparameters
    {'width': 0.5}
    """

    @property
    @abstractmethod
    def exponent(self) -> float:
        r""":math:`\beta \ge 0`, an inverse length squared."""

    @property
    def exponents(self) -> tuple[float, ...]:
        r"""All :math:`\beta` of the functions; only :class:`MultiWidthGTOBasis` has several."""
        return (self.exponent,)

    @abstractmethod
    def expansion(self, l: int, n_radial: int, rcond: float) -> NDArray[np.float64]:
        r"""Coefficients :math:`T^l_{nk}` of the functions in :math:`r^{l+2k} e^{-\beta r^2 / 2}`.

        Parameters
        ----------
        l : int
        n_radial : int
            Number of functions, and of powers, of this l.
        rcond : float
            The argument of :class:`~anisoap_e3nn.AniSOAPEmbedding`. A basis that inverts no matrix may
            ignore it.

        Returns
        -------
        array ``(n_radial, n_radial)``
            One row for each function n.
        """

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """Arguments of the constructor; ``type(basis)(**basis.hyperparameters)`` is the same basis.

        Raises
        ------
        NotImplementedError
            If the subclass is no dataclass and does not define them.
        """
        basis: Any = self  # which may be a dataclass, unknown to mypy
        if not is_dataclass(basis):
            raise NotImplementedError(
                f"{type(self).__name__} has no hyperparameters; make it a frozen dataclass, or define the "
                "property hyperparameters, the arguments of its constructor as a dict"
            )
        return {field.name: getattr(self, field.name) for field in fields(basis) if field.init}

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.hyperparameters.items())
        return f"{type(self).__name__}({given})"


class OrthonormalizedBasis(RadialBasis):
    r"""Normalised powers :math:`N_k \, r^k e^{-\beta r^2 / 2}` with k = l + 2n, orthonormalised for each l.

    .. math::
        T^l = S_l^{-1/2} \, \mathrm{diag}(N_l, N_{l+2}, \ldots), \qquad
        S_{nn'} = N_k N_{k'} \int r^{k + k'} e^{-\beta r^2} r^2 dr

    The orthonormalisation is Löwdin's symmetric one. Subclasses define `exponent` and `norm_integral`, which
    also fixes the range of the integrals.
    """

    @abstractmethod
    def norm_integral(self, power: float) -> float:
        r""":math:`\int r^{2k} e^{-\beta r^2} r^2 dr` for k = `power`, which may be a half-integer."""

    def normalization(self, power: int) -> float:
        r"""The factor :math:`N_k` of the power k."""
        integral = self.norm_integral(power)
        if integral < float_info.min:  # where digits are lost
            raise OverflowError(f"the norm of r^{power} is not representable")
        return 1 / sqrt(integral)

    def overlap(self, l: int, n_radial: int) -> NDArray[np.float64]:
        r"""Overlap matrix :math:`S_l` of the normalised powers."""
        powers = [l + 2 * n for n in range(n_radial)]
        N = [self.normalization(p) for p in powers]
        integrals = [[self.norm_integral((p + q) / 2) for q in powers] for p in powers]
        return np.outer(N, N) * np.array(integrals)

    def orthonormalization(self, l: int, n_radial: int, rcond: float) -> NDArray[np.float64]:
        r"""Löwdin's :math:`S_l^{-1/2}`, without the directions whose eigenvalues are ≤ `rcond`.

        Raises
        ------
        ValueError
            If no direction is left.
        """
        return symmetric_orthonormalization(self.overlap(l, n_radial), l, rcond)

    def expansion(self, l: int, n_radial: int, rcond: float) -> NDArray[np.float64]:
        r""":math:`T^l = S_l^{-1/2} \, \mathrm{diag}(N_l, N_{l+2}, \ldots)`."""
        N = [self.normalization(l + 2 * n) for n in range(n_radial)]
        return self.orthonormalization(l, n_radial, rcond) * N


@dataclass(frozen=True)
class GTOBasis(OrthonormalizedBasis):
    r"""Gaussian-type orbitals of width :math:`\sigma`.

    .. math::
        \beta = 1 / \sigma^2, \qquad N_k^{-2} = \tfrac12 \sigma^{2k+3} \Gamma(k + \tfrac32)

    Parameters
    ----------
    width : float
        :math:`\sigma`, a length.

    Examples
    --------
    >>> round(GTOBasis(width=1.0).normalization(0), 6)  # (2/√π · 2)^½
    1.502251
    """

    width: float

    def __post_init__(self) -> None:
        width = positive("width", self.width, "length")
        if not 1e-100 < width < 1e100:  # its powers would not be representable
            raise ValueError(
                f"width is {width}, expected 1e-100 to 1e100; use another unit of length"
            )
        object.__setattr__(self, "width", width)

    @property
    def exponent(self) -> float:
        return self.width**-2

    def norm_integral(self, power: float) -> float:
        return 0.5 * self.width ** (2 * power + 3) * gamma(power + 1.5)


@dataclass(frozen=True)
class MonomialBasis(OrthonormalizedBasis):
    r"""Plain powers of r, normalised and orthonormalised up to the cutoff.

    .. math::
        \beta = 0, \qquad N_k^{-2} = r_{cut}^{2k+3} / (2k + 3)

    Parameters
    ----------
    cutoff : float
        :math:`r_{cut}`, a length.
    """

    cutoff: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "cutoff", positive("cutoff", self.cutoff, "length"))

    @property
    def exponent(self) -> float:
        return 0.0

    def norm_integral(self, power: float) -> float:
        return self.cutoff ** (2 * power + 3) / (2 * power + 3)
