"""Radial functions: Gaussian-type orbitals and monomials, orthonormalised."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import gamma, sqrt

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RadialBasis(ABC):
    r"""Functions :math:`\phi_k(r) = N_k \, r^k e^{-\beta r^2 / 2}`, one for each power k = l + 2n.

    Each is normalised, :math:`\int \phi_k^2 \, r^2 dr = 1`; for one l they are then orthonormalised among
    each other by Löwdin's symmetric matrix :math:`S_l^{-1/2}`.
    """

    @property
    @abstractmethod
    def exponent(self) -> float:
        r""":math:`\beta`, an inverse length squared."""

    @abstractmethod
    def norm_integral(self, power: float) -> float:
        r""":math:`\int r^{2k} e^{-\beta r^2} r^2 dr` for k = `power`, which may be a half-integer."""

    def normalization(self, power: int) -> float:
        """The factor :math:`N_k`."""
        return 1 / sqrt(self.norm_integral(power))

    def overlap(self, l: int, n_radial: int) -> NDArray[np.float64]:
        r""":math:`S_{nn'} = \int \phi_{l+2n} \phi_{l+2n'} r^2 dr`, the norm integral at the mean power."""
        powers = [l + 2 * n for n in range(n_radial)]
        N = [self.normalization(p) for p in powers]
        integrals = [[self.norm_integral((p + q) / 2) for q in powers] for p in powers]
        return np.outer(N, N) * np.array(integrals)

    def orthonormalization(self, l: int, n_radial: int, rcond: float) -> NDArray[np.float64]:
        r"""Löwdin's :math:`S_l^{-1/2}`, the directions with eigenvalues ≤ `rcond` dropped.

        Raises
        ------
        ValueError
            If no direction is left.
        """
        eigenvalues, eigenvectors = np.linalg.eigh(self.overlap(l, n_radial))
        kept = eigenvalues > rcond
        if not kept.any():
            raise ValueError(
                f"rcond = {rcond} leaves no radial function for l = {l}: the largest eigenvalue of "
                f"their overlap is {eigenvalues[-1]:.3g}; choose a smaller rcond"
            )
        vectors = eigenvectors[:, kept]
        return np.asarray(vectors / np.sqrt(eigenvalues[kept]) @ vectors.T)


@dataclass(frozen=True)
class GTOBasis(RadialBasis):
    r"""Gaussian-type orbitals of width :math:`\sigma`: :math:`\beta = 1 / \sigma^2`,
    :math:`N_k^{-2} = \tfrac12 \sigma^{2k+3} \Gamma(k + \tfrac32)`.

    Examples
    --------
    >>> round(GTOBasis(width=1.0).normalization(0), 6)  # (2/√π · 2)^½
    1.502251
    """

    width: float

    @property
    def exponent(self) -> float:
        return self.width**-2

    def norm_integral(self, power: float) -> float:
        return 0.5 * self.width ** (2 * power + 3) * gamma(power + 1.5)


@dataclass(frozen=True)
class MonomialBasis(RadialBasis):
    r"""Plain powers, normalised up to the cutoff: :math:`\beta = 0`,
    :math:`N_k^{-2} = r_{cut}^{2k+3} / (2k + 3)`.
    """

    cutoff: float

    @property
    def exponent(self) -> float:
        return 0.0

    def norm_integral(self, power: float) -> float:
        return self.cutoff ** (2 * power + 3) / (2 * power + 3)


def build_radial_basis(
    name: str, cutoff: float, radial_gaussian_width: float | None
) -> RadialBasis:
    """The basis of that `name`, ``"gto"`` or ``"monomial"``, checked (both lengths in one unit)."""
    if name == "gto":
        if radial_gaussian_width is None:
            raise ValueError("radial_basis='gto' needs radial_gaussian_width (a length)")
        if not 0 < radial_gaussian_width < float("inf"):
            raise ValueError(f"radial_gaussian_width is {radial_gaussian_width}, expected > 0")
        return GTOBasis(radial_gaussian_width)
    if name == "monomial":
        if radial_gaussian_width is not None:
            raise ValueError(
                "radial_basis='monomial' takes no radial_gaussian_width "
                f"(found {radial_gaussian_width}); leave it out"
            )
        return MonomialBasis(cutoff)
    raise ValueError(f"unknown radial_basis {name!r}, expected 'gto' or 'monomial'")


def radial_counts(max_angular: int, max_radial: int | Sequence[int] | None) -> list[int]:
    """Number of radial functions for every l = 0 … `max_angular`.

    `max_radial` has AniSOAP's meaning: None couples them to l, (max_angular - l) // 2 + 1; an integer
    means n = 0 … max_radial for every l; a sequence gives the largest n for each l.

    Examples
    --------
    >>> radial_counts(4, None), radial_counts(2, 3), radial_counts(2, [2, 1, 0])
    ([3, 2, 2, 1, 1], [4, 4, 4], [3, 2, 1])
    """
    if max_angular < 0:
        raise ValueError(f"max_angular is {max_angular}, expected ≥ 0")
    if max_radial is None:
        return [(max_angular - l) // 2 + 1 for l in range(max_angular + 1)]
    largest = [max_radial] * (max_angular + 1) if isinstance(max_radial, int) else list(max_radial)
    if len(largest) != max_angular + 1:
        raise ValueError(
            f"max_radial has {len(largest)} entries, expected one for each l = 0 … {max_angular}"
        )
    if min(largest) < 0:
        raise ValueError(f"max_radial is {max_radial}, expected no negative n")
    return [n + 1 for n in largest]
