"""The radial functions of AniSOAP's interface against quadrature, the coefficients and a density."""

from typing import Any

import ase
import numpy as np
import pytest
import torch
from e3nn import o3
from numpy.polynomial.hermite import hermgauss
from numpy.polynomial.legendre import leggauss
from scipy.spatial.transform import Rotation

from anisoap_e3nn.conventions import wiki_to_e3nn
from anisoap_e3nn.interop.anisoap import EllipsoidalDensityProjection
from anisoap_frames import random_frame, with_ellipsoids

pytest.importorskip("metatensor", reason="metatensor is not installed")
pytestmark = pytest.mark.filterwarnings("ignore:In quaternion mode:UserWarning")

CUTOFF, WIDTH, MAX_ANGULAR = 4.0, 1.3, 3
BASES: dict[str, dict[str, Any]] = {
    "gto": {"radial_basis_name": "gto", "radial_gaussian_width": WIDTH},
    "monomial": {"radial_basis_name": "monomial"},
}
COUNTS: dict[str, tuple[Any, list[int]]] = {
    "coupled": (None, [2, 2, 1, 1]),
    "one for all": (2, [3, 3, 3, 3]),
    "one for each": ([2, 0, 1, 1], [3, 1, 2, 2]),
}


def calculator(basis: str, **changed: Any) -> EllipsoidalDensityProjection:
    hypers = {"max_angular": MAX_ANGULAR, "cutoff_radius": CUTOFF, "rotation_key": "c_q"}
    return EllipsoidalDensityProjection(**{**hypers, **BASES[basis], **changed})


def quadrature(basis: str) -> tuple[np.ndarray, np.ndarray]:
    """Distances and weights of the integral over r² dr on which the functions are orthonormal."""
    end = CUTOFF if basis == "monomial" else 10 * WIDTH
    x, weights = leggauss(120)
    r = end * (x + 1) / 2
    return r, weights * end / 2 * r**2


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("basis", BASES)
def test_they_are_orthonormal_and_closest_to_the_primitives(basis: str, counts: str) -> None:
    max_radial, expected = COUNTS[counts]
    radial_basis = calculator(basis, max_radial=max_radial).radial_basis
    assert radial_basis.get_num_radial_functions() == expected
    r, weights = quadrature(basis)
    for l, count in enumerate(expected):
        R = radial_basis.get_basis(r, l=l)
        assert R.shape == (len(r), count)
        np.testing.assert_allclose((R.T * weights) @ R, np.eye(count), rtol=0, atol=1e-11)
        primitives = r[:, None] ** (l + 2 * np.arange(count))
        if basis == "gto":
            primitives *= np.exp(-(r**2) / (2 * WIDTH**2))[:, None]
        primitives /= np.sqrt(weights @ primitives**2)
        root = (R.T * weights) @ primitives  # of the overlap: Löwdin's is the symmetric one
        np.testing.assert_allclose(root, root.T, rtol=0, atol=1e-11)
        assert np.linalg.eigvalsh(root).min() > 0
        np.testing.assert_allclose(R @ root, primitives, rtol=0, atol=1e-11 * primitives.max())


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("basis", BASES)
def test_the_columns_are_those_of_anisoap(basis: str, counts: str) -> None:
    """By l, then by n, without the largest l."""
    max_radial, expected = COUNTS[counts]
    radial_basis = calculator(basis, max_radial=max_radial).radial_basis
    r = np.linspace(0.0, 2 * CUTOFF, 7)  # beyond the cutoff too
    found = radial_basis.get_basis(r)
    assert found.shape == (7, sum(expected[:-1]))
    assert found.dtype == np.float64
    assert found.flags.writeable
    by_l = [radial_basis.get_basis(r, l=l) for l in range(MAX_ANGULAR)]
    np.testing.assert_array_equal(found, np.hstack(by_l))
    assert abs(radial_basis.get_basis(r, l=MAX_ANGULAR)[1:]).min() > 0
    assert calculator(basis, max_angular=0).radial_basis.get_basis(r).shape == (7, 0)


@pytest.mark.parametrize("basis", BASES)
def test_coefficients_are_projections_on_them(basis: str) -> None:
    rng = np.random.default_rng(11)
    frame = random_frame(rng, [6, 6], box=3.0, pbc=False)
    projection = calculator(basis, max_radial=2)
    coefficients = projection.transform([frame])
    t, w = hermgauss(40)
    nodes = np.stack(np.meshgrid(t, t, t, indexing="ij"), axis=-1).reshape(-1, 3)
    weights = np.prod(np.meshgrid(w, w, w, indexing="ij"), axis=0).ravel() / np.pi**1.5
    axes = Rotation.from_quat(frame.arrays["c_q"][:, [1, 2, 3, 0]]).as_matrix()
    diameters = np.stack([frame.arrays[f"c_diameter[{k}]"] for k in (1, 2, 3)], axis=1)
    for l in range(MAX_ANGULAR + 1):
        expected = 0.0
        for position, R, diameter in zip(frame.positions, axes, diameters, strict=True):
            x = position - frame.positions[0] + (2**0.5 * nodes * diameter / 2) @ R.T
            harmonics = o3.spherical_harmonics(l, torch.tensor(x), True, "integral")
            Y = harmonics.numpy() @ wiki_to_e3nn(l).numpy()  # -> [node, m]
            radial = projection.radial_basis.get_basis(np.linalg.norm(x, axis=1), l=l)
            expected += (Y.T * weights) @ radial  # -> [m, n]
        found = coefficients.block(angular_channel=l).values[0]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * abs(found).max())


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
def test_a_sphere_is_recovered(sigma: float) -> None:
    """The expansion converges to the density, with AniSOAP's own hyperparameters for that."""
    frame = with_ellipsoids(ase.Atoms("X"), [[1, 0, 0, 0]], np.full((1, 3), 2 * sigma))
    r = np.linspace(0, 5, 100)
    density = np.exp(-(r**2) / (2 * sigma**2)) / (2 * np.pi * sigma**2) ** 1.5
    errors = []
    for max_radial in range(8):
        projection = EllipsoidalDensityProjection(
            max_angular=1,
            max_radial=max_radial,
            radial_basis_name="gto",
            rotation_key="c_q",
            cutoff_radius=1.0,
            radial_gaussian_width=sigma + 0.5,
            basis_rcond=1e-14,
            basis_tol=0.1,
        )
        coefficients = projection.transform([frame], show_progress=True)
        R = projection.radial_basis.get_basis(r)  # of l = 0 alone, for max_angular = 1
        recovered = R @ coefficients.block(angular_channel=0).values[0, 0] / (4 * np.pi) ** 0.5
        errors.append(np.sqrt(np.mean((recovered - density) ** 2)) / density.max())
    assert (np.diff(errors) < 0).all()
    assert errors[-1] < 1e-3


def test_distances_as_lists_integers_and_tensors() -> None:
    radial_basis = calculator("gto").radial_basis
    expected = radial_basis.get_basis(np.array([0.0, 1.0, 2.0]))
    for r in ([0, 1, 2], np.arange(3), torch.arange(3.0), (0.0, 1.0, 2.0)):
        np.testing.assert_array_equal(radial_basis.get_basis(r), expected)
    assert radial_basis.get_basis([]).shape == (0, expected.shape[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.0,), r"^rs has shape \(\), expected \(distance,\): put a single distance in a list$"),
        ((np.ones((2, 3)),), r"^rs has shape \(2, 3\), expected \(distance,\)"),
        (([1.0, -0.5],), "^rs holds -0.5, expected finite distances ≥ 0$"),
        (([np.nan],), "^rs holds nan, expected finite distances ≥ 0$"),
        (([np.inf],), "^rs holds inf, expected finite distances ≥ 0$"),
        (([1.0], MAX_ANGULAR + 1), "^l is 4, expected 0 to max_angular = 3$"),
        (([1.0], -1), "^l is -1, expected 0 to max_angular = 3$"),
    ],
)
def test_wrong_arguments(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        calculator("gto").radial_basis.get_basis(*arguments)


def test_nearly_dependent_functions_are_refused() -> None:
    radial_basis = calculator("gto", max_radial=9, basis_tol=1e-9).radial_basis
    with pytest.raises(ValueError, match=r"^Incurred Numerical Imprecision .* basis_tol=1e-09"):
        radial_basis.get_basis([1.0])
    assert calculator("gto", max_radial=9, basis_tol=1e-3).radial_basis.get_basis([1.0]).size == 30
