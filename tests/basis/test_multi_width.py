"""Radial functions of several widths."""

import numpy as np
import pytest
from scipy.integrate import quad

from anisoap_e3nn.basis import GTOBasis, MultiWidthGTOBasis


def values(basis: MultiWidthGTOBasis, l: int, n_radial: int, r: float) -> np.ndarray:
    """All functions at a distance, by their definition."""
    powers = [
        r ** (l + 2 * k) * np.exp(-beta * r**2 / 2)
        for beta in basis.exponents
        for k in range(n_radial)
    ]
    return basis.expansion(l, n_radial, 1e-12) @ powers


@pytest.mark.parametrize("l", [0, 1, 4])
def test_functions_are_orthonormal(l: int) -> None:
    basis, n = MultiWidthGTOBasis((0.5, 1.6)), 2
    overlap = [
        [
            quad(lambda r, i=i, j=j: np.outer(v := values(basis, l, n, r), v)[i, j] * r**2, 0, 20)[
                0
            ]
            for j in range(2 * n)
        ]
        for i in range(2 * n)
    ]
    np.testing.assert_allclose(overlap, np.eye(2 * n), atol=1e-8)


def test_far_apart_they_are_the_functions_of_each() -> None:
    """Functions of very different widths hardly overlap, and orthonormalisation leaves them alone."""
    together = MultiWidthGTOBasis((0.01, 10.0)).expansion(2, 2, 1e-12)
    for k, width in enumerate((0.01, 10.0)):
        some = slice(2 * k, 2 * k + 2)
        expected = GTOBasis(width).expansion(2, 2, 1e-12)
        np.testing.assert_allclose(together[some, some], expected, rtol=1e-4)


def test_wrong_widths_are_refused() -> None:
    for widths in ((1.0,), (1.0, 1.0), ()):
        with pytest.raises(ValueError, match="expected two or more different lengths"):
            MultiWidthGTOBasis(widths)
    with pytest.raises(ValueError, match=r"widths\[1\] is -1"):
        MultiWidthGTOBasis((1.0, -1.0))
    with pytest.raises(NotImplementedError, match="several exponents"):
        _ = MultiWidthGTOBasis((1.0, 2.0)).exponent
