import numpy as np
import pytest
from scipy.integrate import quad

from anisoap_e3nn.basis import (
    GTOBasis,
    MonomialBasis,
    OrthonormalizedBasis,
    RadialBasis,
    build_radial_basis,
    radial_counts,
)
from oscillator_basis import OscillatorBasis

BASES: list[tuple[OrthonormalizedBasis, float]] = [
    (GTOBasis(1.5), np.inf),
    (MonomialBasis(3.0), 3.0),
]


def function(basis: OrthonormalizedBasis, power: int, r: float) -> float:
    return float(basis.normalization(power) * r**power * np.exp(-basis.exponent * r * r / 2))


@pytest.mark.parametrize(("basis", "end"), BASES)
def test_overlap_is_the_integral(basis: OrthonormalizedBasis, end: float) -> None:
    for l in (0, 1, 4):
        for n, row in enumerate(basis.overlap(l, 3)):
            for k, value in enumerate(row):

                def integrand(r: float, p: int = l + 2 * n, q: int = l + 2 * k) -> float:
                    return function(basis, p, r) * function(basis, q, r) * r * r

                assert value == pytest.approx(quad(integrand, 0, end)[0], rel=1e-8)


@pytest.mark.parametrize(("basis", "end"), BASES)
def test_orthonormalization(basis: OrthonormalizedBasis, end: float) -> None:
    S, X = basis.overlap(2, 4), basis.orthonormalization(2, 4, rcond=1e-14)
    np.testing.assert_allclose(X, X.T, rtol=1e-9)  # Löwdin's is the symmetric one
    np.testing.assert_allclose(X @ S @ X, np.eye(4), atol=1e-8)


def functions(basis: RadialBasis, l: int, n_radial: int, r: float) -> np.ndarray:
    T = np.asarray(basis.expansion(l, n_radial, rcond=1e-14))
    powers = np.array([r ** (l + 2 * k) for k in range(n_radial)])
    return T @ powers * np.exp(-basis.exponent * r * r / 2)


@pytest.mark.parametrize(("basis", "end"), [*BASES, (OscillatorBasis(1.3), np.inf)])
@pytest.mark.parametrize("l", [0, 3])
def test_expansions_are_orthonormal(basis: RadialBasis, end: float, l: int) -> None:
    for n, k in [(0, 0), (0, 1), (1, 1), (2, 0), (2, 1), (2, 2)]:

        def integrand(r: float, n: int = n, k: int = k) -> float:
            phi = functions(basis, l, 3, r)
            return float(phi[n] * phi[k] * r * r)

        assert quad(integrand, 0, end)[0] == pytest.approx(float(n == k), abs=1e-8)


def test_expansion_of_a_basis_of_ones_own() -> None:
    basis = OscillatorBasis(1.3)
    for l, r in [(0, 0.4), (2, 1.7), (5, 3.0)]:
        expected = [basis.values(n, l, r) for n in range(4)]
        np.testing.assert_allclose(functions(basis, l, 4, r), expected, rtol=1e-11)


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
    with pytest.raises(ValueError, match="max_angular is -1, expected an integer ≥ 0"):
        radial_counts(-1, None)
    with pytest.raises(ValueError, match=r"2 entries, expected one for each l = 0 … 2"):
        radial_counts(2, [1, 1])
    with pytest.raises(ValueError, match="expected an integer ≥ 0"):
        radial_counts(1, [1, -1])
    with pytest.raises(ValueError, match="needs radial_gaussian_width"):
        build_radial_basis("gto", 4.0, None)
    with pytest.raises(ValueError, match=r"radial_gaussian_width is -1.0, expected a finite"):
        build_radial_basis("gto", 4.0, -1.0)
    with pytest.raises(ValueError, match="takes no radial_gaussian_width"):
        build_radial_basis("monomial", 4.0, 1.0)
    with pytest.raises(
        ValueError, match="unknown radial_basis 'bessel', expected 'gto', 'monomial'"
    ):
        build_radial_basis("bessel", 4.0, 1.0)
    with pytest.raises(ValueError, match=r"width is 0.0, expected a finite length > 0"):
        GTOBasis(0.0)
    with pytest.raises(ValueError, match="cutoff is inf, expected a finite length > 0"):
        MonomialBasis(np.inf)


def test_objects_are_passed_on() -> None:
    basis = OscillatorBasis(1.3)
    assert build_radial_basis(basis, 4.0, None) is basis
    with pytest.raises(
        ValueError, match=r"OscillatorBasis\(width=1.3\) takes no radial_gaussian_width"
    ):
        build_radial_basis(basis, 4.0, 1.0)
    for wrong in (3, OscillatorBasis):
        with pytest.raises(
            TypeError, match=r"radial_basis is .*, expected 'gto', 'monomial' or an"
        ):
            build_radial_basis(wrong, 4.0, None)  # type: ignore[call-overload]


@pytest.mark.parametrize("basis", [GTOBasis(1.5), MonomialBasis(3.0), OscillatorBasis(1.3)])
def test_hyperparameters_describe_a_basis(basis: RadialBasis) -> None:
    assert type(basis)(**basis.hyperparameters) == basis


class UndampedPowers(RadialBasis):
    """A basis that is no dataclass."""

    def __init__(self, exponent: float = 0.0) -> None:
        self._exponent = exponent

    @property
    def exponent(self) -> float:
        return self._exponent

    def expansion(self, l: int, n_radial: int, rcond: float) -> np.ndarray:
        return np.eye(n_radial)


class DescribedPowers(UndampedPowers):
    @property
    def hyperparameters(self) -> dict[str, float]:
        return {"exponent": self._exponent}


def test_classes_that_are_no_dataclasses_describe_themselves() -> None:
    with pytest.raises(NotImplementedError, match="UndampedPowers has no hyperparameters; make it"):
        _ = UndampedPowers().hyperparameters
    assert repr(DescribedPowers()) == "DescribedPowers(exponent=0.0)"
    for exponent in (-1.0, np.nan, np.inf):
        with pytest.raises(
            ValueError, match=f"exponent of Described.* is {exponent}, expected a finite"
        ):
            build_radial_basis(DescribedPowers(exponent), 4.0, None)
