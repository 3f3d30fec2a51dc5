"""AniSOAP's radial basis: its checks, its functions at given distances, its orthonormalisation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ... import basis
from ...arguments import positive

Array = NDArray[np.float64]


class RadialBasis:
    """Radial basis of a calculator, with AniSOAP's methods.

    Parameters
    ----------
    radial_basis : {"gto", "monomial"}
        Gaussian-type orbitals or monomials.
    max_angular : int
        Largest l.
    cutoff_radius : float
        Cutoff, a length. An integer is refused.
    radial_gaussian_width : float, optional
        Width of the Gaussian-type orbitals, a length; for "gto" only. An integer is refused.
    max_radial : int or list of int, optional
        Largest n, for every l or one for each. Default: (max_angular - l) // 2.
    rcond : float
        Threshold for the eigenvalues of the overlap matrix: directions with eigenvalues ≤ `rcond` are
        dropped.
    tol : float
        Tolerance of the orthonormalisation: largest Frobenius norm of the overlap matrix minus the one
        recovered from its inverse square root.

    Raises
    ------
    ValueError, NotImplementedError
        Where AniSOAP raises them, in its words.
    """

    def __init__(
        self,
        radial_basis: str,
        max_angular: int,
        cutoff_radius: float,
        radial_gaussian_width: float | None,
        max_radial: int | Sequence[int] | None,
        rcond: float,
        tol: float,
    ) -> None:
        if isinstance(cutoff_radius, int):
            raise ValueError(_INTEGER.format("r_cut") + ". Pass in float")
        if radial_basis == "gto" and radial_gaussian_width is None:
            raise ValueError("Gaussian width must be provided with GTO basis")
        if radial_basis == "gto" and isinstance(radial_gaussian_width, int):
            raise ValueError(_INTEGER.format("radial_gaussian_width") + ". Pass in float.")
        if radial_basis == "monomial" and radial_gaussian_width is not None:
            raise ValueError("Gaussian width can only be provided with GTO basis")
        if radial_basis not in ("gto", "monomial"):
            raise NotImplementedError(
                f"{radial_basis} is not an implemented basis. Try 'monomial' or 'gto'"
            )
        self.radial_basis = radial_basis
        self.max_angular = max_angular
        self.cutoff_radius = cutoff_radius
        self.max_radial = _checked_max_radial(max_radial, max_angular)
        self.rcond, self.tol = rcond, tol
        self._functions: basis.OrthonormalizedBasis = basis.MonomialBasis(cutoff_radius)
        if radial_gaussian_width is not None:
            width = positive("radial_gaussian_width", radial_gaussian_width, "length")
            self._functions = basis.GTOBasis(width)
        self._counts = basis.radial_counts(max_angular, self.max_radial)

    def get_num_radial_functions(self) -> list[int]:
        """Number of radial functions for each l."""
        return list(self._counts)

    def get_basis(self, rs: ArrayLike, l: int | None = None) -> Array:
        r"""Evaluate the orthonormalised radial functions at distances from the centre.

        .. math::
            R_{nl}(r) = \sum_{n'} N_{l+2n'} \, r^{l+2n'} e^{-\beta r^2 / 2} \, [S_l^{-1/2}]_{n'n}, \qquad
            \int R_{nl} R_{n'l} \, r^2 dr = \delta_{nn'}

        The coefficients of a density :math:`\rho` are its projections on these functions,
        :math:`c_{nlm} = \int \rho \, R_{nl} Y_{lm} \, d^3x`. Functions of one l are orthonormal, functions
        of different l are not. The norms of monomials (:math:`\beta = 0`) are integrals up to the cutoff;
        the functions themselves are not cut off. If `rcond` drops directions, the functions of that l are
        linearly dependent.

        Parameters
        ----------
        rs : array_like ``(distance,)``
            Distances in the unit of the positions, ≥ 0.
        l : int, optional
            The l whose functions to return. Default: every l < max_angular, as in AniSOAP, which leaves
            out the functions of l = max_angular.

        Returns
        -------
        array ``(distance, function)``
            Values in float64 and in :math:`\text{length}^{-3/2}`. Columns are by l, then by n.

        Raises
        ------
        ValueError
            If `rs` is not one-dimensional or holds a negative or infinite distance or NaN, if `l` is not
            in 0 … max_angular, or if the functions cannot be orthonormalised to `tol`.

        Examples
        --------
        >>> radial_basis = RadialBasis("gto", 2, 5.0, 1.5, None, rcond=0, tol=1e-8)
        >>> radial_basis.get_num_radial_functions()
        [2, 1, 1]
        >>> radial_basis.get_basis([0.0, 1.0]).shape  # n = 0, 1 for l = 0 and n = 0 for l = 1
        (2, 3)
        >>> radial_basis.get_basis([0.0, 1.0], l=2).shape
        (2, 1)
        """
        distances = np.asarray(rs, dtype=np.float64)
        if distances.ndim != 1:
            raise ValueError(
                f"rs has shape {distances.shape}, expected (distance,): put a single distance in a list"
            )
        wrong = distances[~np.isfinite(distances) | (distances < 0)]
        if len(wrong):
            raise ValueError(f"rs holds {wrong[0]}, expected finite distances ≥ 0")
        if l is not None and not 0 <= l <= self.max_angular:
            raise ValueError(f"l is {l}, expected 0 to max_angular = {self.max_angular}")
        damping = np.exp(-0.5 * self._functions.exponent * distances**2)[:, None]
        columns = [np.empty((len(distances), 0))]
        for angular in range(self.max_angular) if l is None else [l]:
            powers = angular + 2 * np.arange(self._counts[angular])
            primitives = damping * distances[:, None] ** powers  # -> [distance, n]
            columns.append(primitives * self._norms(powers) @ self._loewdin(angular))
        return np.hstack(columns)

    def orthonormalize_basis(self, features: Any) -> Any:
        """Normalise and orthonormalise the radial functions, in place.

        Parameters
        ----------
        features : TensorMap
            Coefficients from ``transform(..., normalize=False)``.

        Returns
        -------
        TensorMap
            The same object.

        Raises
        ------
        ValueError
            If the functions cannot be orthonormalised to `tol`.
        """
        self.refuse_imprecision()
        for key, block in features.items():
            l = int(key["angular_channel"])
            neighbors = np.asarray(block.properties["neighbor_types"])
            norms = self._norms(l + 2 * np.asarray(block.properties["n"]))
            loewdin = self._loewdin(l)
            gradients = [gradient for _, gradient in block.gradients()]
            for values in (b.values for b in (block, *gradients)):
                values *= norms
                for neighbor in np.unique(neighbors):
                    channels = neighbors == neighbor
                    values[..., channels] = values[..., channels] @ loewdin
        return features

    def refuse_imprecision(self) -> None:
        """Raise an error if the functions of any l cannot be orthonormalised to `tol`."""
        for l in range(self.max_angular + 1):
            self._loewdin(l)

    def _norms(self, powers: NDArray[Any]) -> Array:
        return np.array([self._functions.normalization(int(power)) for power in powers])

    def _loewdin(self, l: int) -> Array:
        """Löwdin's matrix for one l, checked to `tol`."""
        overlap = self._functions.overlap(l, self._counts[l])
        loewdin = self._functions.orthonormalization(l, self._counts[l], self.rcond)
        error = float(np.linalg.norm(overlap - np.linalg.pinv(loewdin @ loewdin)))
        if error > self.tol:
            raise ValueError(
                f"Incurred Numerical Imprecision {error:.8f} for l = {l}; expected at most "
                f"basis_tol={self.tol}: use fewer radial functions, or raise basis_tol"
            )
        return loewdin


@dataclass(frozen=True)
class PrimitiveBasis(basis.RadialBasis):
    r"""Radial functions :math:`r^k e^{-\beta r^2 / 2}`, neither normalised nor orthonormalised."""

    beta: float

    @property
    def exponent(self) -> float:
        return self.beta

    def expansion(self, l: int, n_radial: int, rcond: float) -> Array:
        return np.eye(n_radial)


_INTEGER = "{} is set as an integer, which could cause overflow errors"


def _checked_max_radial(max_radial: Any, max_angular: int) -> int | list[int] | None:
    if max_radial is None or isinstance(max_radial, int):
        return max_radial
    if not isinstance(max_radial, list):
        raise ValueError("`max_radial` must be None, int, or list of int")
    if len(max_radial) <= max_angular:
        raise ValueError(
            "If you specify a list of number of radial components, this list must be of length "
            f"{max_angular + 1}. Received {len(max_radial)}."
        )
    largest = max_radial[: max_angular + 1]
    if not all(isinstance(n, int) for n in largest):
        raise ValueError("`max_radial` must be None, int, or list of int")
    return largest
