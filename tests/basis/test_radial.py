import numpy as np
import pytest
from scipy.integrate import quad

from anisoap_e3nn.basis import (
    GTOBasis,
    MonomialBasis,
    RadialBasis,
    build_radial_basis,
    radial_counts,
)

BASES: list[tuple[RadialBasis, float]] = [(GTOBasis(1.5), np.inf), (MonomialBasis(3.0), 3.0)]


def function(basis: RadialBasis, power: int, r: float) -> float:
    return float(basis.normalization(power) * r**power * np.exp(-basis.exponent * r * r / 2))


@pytest.mark.parametrize(("basis", "end"), BASES)
def test_overlap_is_the_integral(basis: RadialBasis, end: float) -> None:
    for l in (0, 1, 4):
        for n, row in enumerate(basis.overlap(l, 3)):
            for k, value in enumerate(row):

                def integrand(r: float, p: int = l + 2 * n, q: int = l + 2 * k) -> float:
                    return function(basis, p, r) * function(basis, q, r) * r * r

                assert value == pytest.approx(quad(integrand, 0, end)[0], rel=1e-8)


@pytest.mark.parametrize(("basis", "end"), BASES)
def test_orthonormalization(basis: RadialBasis, end: float) -> None:
    S, X = basis.overlap(2, 4), basis.orthonormalization(2, 4, rcond=1e-14)
    np.testing.assert_allclose(X, X.T, rtol=1e-9)  # Löwdin's is the symmetric one
    np.testing.assert_allclose(X @ S @ X, np.eye(4), atol=1e-8)


def test_rcond_drops_directions() -> None:
    basis = GTOBasis(1.0)
    eigenvalues = np.linalg.eigvalsh(basis.overlap(0, 5))
    X = basis.orthonormalization(0, 5, rcond=float(eigenvalues[1] * 1.01))
    assert np.linalg.matrix_rank(X) == 3
    with pytest.raises(ValueError, match=r"rcond = 10.0 leaves no radial function for l = 0"):
        basis.orthonormalization(0, 5, rcond=10.0)


def test_counts_have_anisoaps_meaning() -> None:
    assert radial_counts(6, None) == [4, 3, 3, 2, 2, 1, 1]
    assert radial_counts(2, 0) == [1, 1, 1]
    assert radial_counts(2, (3, 1, 2)) == [4, 2, 3]


def test_bad_hyperparameters_are_refused() -> None:
    with pytest.raises(ValueError, match="max_angular is -1, expected ≥ 0"):
        radial_counts(-1, None)
    with pytest.raises(ValueError, match=r"2 entries, expected one for each l = 0 … 2"):
        radial_counts(2, [1, 1])
    with pytest.raises(ValueError, match="expected no negative n"):
        radial_counts(1, [1, -1])
    with pytest.raises(ValueError, match="needs radial_gaussian_width"):
        build_radial_basis("gto", 4.0, None)
    with pytest.raises(ValueError, match=r"radial_gaussian_width is -1.0, expected > 0"):
        build_radial_basis("gto", 4.0, -1.0)
    with pytest.raises(ValueError, match="takes no radial_gaussian_width"):
        build_radial_basis("monomial", 4.0, 1.0)
    with pytest.raises(
        ValueError, match="unknown radial_basis 'bessel', expected 'gto' or 'monomial'"
    ):
        build_radial_basis("bessel", 4.0, 1.0)
