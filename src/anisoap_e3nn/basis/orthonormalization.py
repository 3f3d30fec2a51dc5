"""Löwdin's symmetric orthonormalisation."""

import numpy as np
from numpy.typing import NDArray

from ..arguments import number


def symmetric_orthonormalization(
    overlap: NDArray[np.float64], l: int, rcond: float
) -> NDArray[np.float64]:
    r"""Löwdin's :math:`S^{-1/2}`, without the directions whose eigenvalues are ≤ `rcond`.

    Parameters
    ----------
    overlap : array ``(n, n)``
        Overlap matrix S of the functions of one l.
    l : int
        Named in the error.
    rcond : float

    Returns
    -------
    array ``(n, n)``
        Of the rank of the directions that are kept.

    Raises
    ------
    ValueError
        If no direction is left.
    """
    rcond = number("rcond", rcond)
    eigenvalues, eigenvectors = np.linalg.eigh(overlap)
    kept = eigenvalues > rcond
    if not kept.any():
        raise ValueError(
            f"rcond = {rcond} leaves no radial function for l = {l}: the largest eigenvalue of "
            f"their overlap is {eigenvalues[-1]:.3g}; choose a smaller rcond"
        )
    vectors = eigenvectors[:, kept]
    return np.asarray(vectors / np.sqrt(eigenvalues[kept]) @ vectors.T)
