"""AniSOAP's radial functions: its limits on them, and their orthonormalisation as a separate step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import basis


class RadialBasis:
    """The radial functions of a calculator, as AniSOAP hands them out.

    Parameters
    ----------
    radial_basis : {"gto", "monomial"}
    max_angular : int
    cutoff_radius : float
    radial_gaussian_width : float, optional
        For "gto" only.
    max_radial : int or list of int, optional
    rcond : float
        Directions of the overlap with eigenvalues ≤ `rcond` are dropped.
    tol : float
        How far the overlap may lie, in the Frobenius norm, from the one that its inverse square root
        stands for.

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
        self._functions = basis.build_radial_basis(
            radial_basis, cutoff_radius, radial_gaussian_width
        )
        self._counts = basis.radial_counts(max_angular, self.max_radial)

    def get_num_radial_functions(self) -> list[int]:
        """Number of radial functions for each l."""
        return list(self._counts)

    def orthonormalize_basis(self, features: Any) -> Any:
        """Normalise and orthonormalise the radial functions, in place.

        Parameters
        ----------
        features : TensorMap
            What ``transform(..., normalize=False)`` returned.

        Returns
        -------
        TensorMap
            The same object.
        """
        self.refuse_imprecision()
        for key, block in features.items():
            l = int(key["angular_channel"])
            neighbors = np.asarray(block.properties["neighbor_types"])
            powers = l + 2 * np.asarray(block.properties["n"])
            norms = [self._functions.normalization(int(power)) for power in powers]
            loewdin = self._functions.orthonormalization(l, self._counts[l], self.rcond)
            gradients = [gradient for _, gradient in block.gradients()]
            for values in (b.values for b in (block, *gradients)):
                values *= norms
                for neighbor in np.unique(neighbors):
                    channels = neighbors == neighbor
                    values[..., channels] = values[..., channels] @ loewdin
        return features

    def refuse_imprecision(self) -> None:
        """Refuse functions so nearly dependent that they cannot be orthonormalised to `tol`."""
        for l, count in enumerate(self._counts):
            overlap = self._functions.overlap(l, count)
            loewdin = self._functions.orthonormalization(l, count, self.rcond)
            error = float(np.linalg.norm(overlap - np.linalg.pinv(loewdin @ loewdin)))
            if error > self.tol:
                raise ValueError(
                    f"Incurred Numerical Imprecision {error:.8f} for l = {l}; expected at most "
                    f"basis_tol={self.tol}: use fewer radial functions, or raise basis_tol"
                )


@dataclass(frozen=True)
class PrimitiveBasis(basis.RadialBasis):
    """Radial functions that are neither normalised nor orthonormalised."""

    beta: float

    @property
    def exponent(self) -> float:
        return self.beta

    def expansion(self, l: int, n_radial: int, rcond: float) -> NDArray[np.float64]:
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
