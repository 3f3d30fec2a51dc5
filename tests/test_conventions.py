import math

import numpy as np
import pytest
import torch
from e3nn import o3
from scipy.spatial.transform import Rotation
from scipy.special import lpmv
from torch import Tensor

from anisoap_e3nn.conventions import (
    matrix_to_zyz,
    wiki_to_e3nn,
    wxyz_to_xyzw,
    xyzw_to_wxyz,
    yxy_to_zyz,
    zyz_to_matrix,
    zyz_to_yxy,
)
from anisoap_e3nn.geometry import quaternions_to_matrices

P = torch.tensor([[0, 0, 1], [1, 0, 0], [0, 1, 0]], dtype=torch.float64)


@pytest.fixture
def vectors(generator: torch.Generator) -> Tensor:
    vectors = torch.randn(100, 3, dtype=torch.float64, generator=generator)
    return vectors / vectors.norm(dim=1, keepdim=True)


@pytest.fixture
def angles(generator: torch.Generator) -> list[Tensor]:
    """ZYZ angles, those of both poles and of their surroundings among them."""
    polar = torch.tensor([0.0, 1e-15, 1e-12, 1e-8, 1e-7, 1e-6, 1e-3, 1.0], dtype=torch.float64)
    polar = torch.cat([polar, math.pi - polar]).repeat_interleave(50)
    azimuths = torch.rand(2, len(polar), dtype=torch.float64, generator=generator)
    first, last = math.pi * (2 * azimuths - 1)
    return [first, polar, last]


def wikipedia_harmonics(l: int, vectors: Tensor) -> Tensor:
    """By SciPy, without the Condon-Shortley phase that it has."""
    x, y, z = vectors.numpy().T
    theta, phi = np.arctan2(np.hypot(x, y), z), np.arctan2(y, x)
    columns = []
    for m in range(-l, l + 1):
        k = abs(m)
        norm = (2 * l + 1) / (4 * math.pi) * math.factorial(l - k) / math.factorial(l + k)
        legendre = (-1) ** k * lpmv(k, l, np.cos(theta))  # without the phase of Condon and Shortley
        part = np.sin(k * phi) if m < 0 else np.cos(k * phi)
        columns.append(math.sqrt(norm * (1 if m == 0 else 2)) * legendre * part)
    return torch.from_numpy(np.stack(columns, axis=1))


@pytest.mark.parametrize("l", range(11))
def test_wikipedia_harmonics_become_e3nns(l: int, vectors: Tensor) -> None:
    ours = wikipedia_harmonics(l, vectors) @ wiki_to_e3nn(l).T
    theirs = o3.spherical_harmonics(l, vectors, normalize=False, normalization="integral")
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-13)


def test_harmonics_of_sphericart_become_e3nns(vectors: Tensor) -> None:
    sphericart = pytest.importorskip("sphericart")
    all_harmonics = torch.from_numpy(sphericart.SphericalHarmonics(10).compute(vectors.numpy()))
    for l in range(11):
        ours = all_harmonics[:, l**2 : (l + 1) ** 2] @ wiki_to_e3nn(l).T
        theirs = o3.spherical_harmonics(l, vectors, normalize=False, normalization="integral")
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-13)


@pytest.mark.parametrize("l", [0, 1, 2, 5, 11, 20, 40])
def test_matrix_is_exact_at_any_l(l: int, vectors: Tensor) -> None:
    Q = wiki_to_e3nn(l)
    one = torch.eye(2 * l + 1, dtype=torch.float64)
    torch.testing.assert_close(Q @ Q.T, one, rtol=0, atol=1e-15)
    torch.testing.assert_close(Q @ Q @ Q, one, rtol=0, atol=1e-15)  # P turns by a third
    permuted = wikipedia_harmonics(l, vectors @ P.T)
    # SciPy's own error grows with l
    torch.testing.assert_close(
        wikipedia_harmonics(l, vectors) @ Q.T, permuted, rtol=0, atol=2e-14 * (l + 1)
    )


@pytest.mark.usefixtures("float64_by_default")
@pytest.mark.parametrize("l", range(11))
def test_matrix_is_e3nns_representation_of_the_permutation(l: int) -> None:
    theirs = o3.Irrep(l, 1).D_from_matrix(P)
    torch.testing.assert_close(wiki_to_e3nn(l), theirs, rtol=0, atol=1e-12)


@pytest.mark.usefixtures("float64_by_default")
@pytest.mark.parametrize("l", range(7))
def test_rotations_of_both_bases(l: int, vectors: Tensor) -> None:
    R = torch.from_numpy(Rotation.from_rotvec([0.3, -1.1, 0.7]).as_matrix())
    here = wikipedia_harmonics(l, vectors)
    there = wikipedia_harmonics(l, vectors @ R.T)
    D_wiki = torch.linalg.lstsq(here, there).solution.T
    D_e3nn = o3.Irrep(l, (-1) ** l).D_from_matrix(R)
    Q = wiki_to_e3nn(l)
    torch.testing.assert_close(Q @ D_wiki, D_e3nn @ Q, rtol=0, atol=1e-12)


def test_angles_of_one_rotation_mean_its_conjugate_to_e3nn(angles: list[Tensor]) -> None:
    theirs = o3.angles_to_matrix(*angles)
    torch.testing.assert_close(zyz_to_matrix(*angles), P @ theirs @ P.T, rtol=0, atol=1e-15)


def test_matrix_knows_no_default_dtype_and_cannot_be_spoiled() -> None:
    before = wiki_to_e3nn(3)
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float16)
    try:
        assert wiki_to_e3nn(12).dtype == torch.float64
        assert wiki_to_e3nn(12).abs().max() < 1
        wiki_to_e3nn(3).zero_()
        assert torch.equal(wiki_to_e3nn(3), before)
    finally:
        torch.set_default_dtype(default)
    assert torch.equal(wiki_to_e3nn(3, torch.float32), before.float())


def test_negative_l_is_refused() -> None:
    with pytest.raises(ValueError, match="l is -1, expected an integer ≥ 0"):
        wiki_to_e3nn(-1)


def test_quaternion_orders_are_scipys(generator: torch.Generator) -> None:
    wxyz = torch.randn(7, 4, dtype=torch.float64, generator=generator)
    wxyz /= wxyz.norm(dim=1, keepdim=True)
    wxyz *= wxyz[:, :1].sign()
    theirs = Rotation.from_matrix(quaternions_to_matrices(wxyz).numpy()).as_quat()
    theirs *= np.sign(theirs[:, 3:])
    np.testing.assert_allclose(wxyz_to_xyzw(wxyz), theirs, atol=1e-15)
    assert torch.equal(xyzw_to_wxyz(wxyz_to_xyzw(wxyz)), wxyz)
    np.testing.assert_array_equal(wxyz_to_xyzw(wxyz.numpy()), wxyz_to_xyzw(wxyz))
    np.testing.assert_array_equal(xyzw_to_wxyz(wxyz.numpy()), xyzw_to_wxyz(wxyz))
    with pytest.raises(ValueError, match=r"shape \(4, 3\), expected four numbers last"):
        wxyz_to_xyzw(torch.zeros(4, 3))


def test_angles_are_scipys(angles: list[Tensor]) -> None:
    theirs = Rotation.from_euler("ZYZ", torch.stack(angles, -1).numpy())
    np.testing.assert_allclose(zyz_to_matrix(*angles), theirs.as_matrix(), atol=2e-15)
    regular = (angles[1] > 1e-3) & (angles[1] < math.pi - 1e-3)
    found = torch.stack(matrix_to_zyz(zyz_to_matrix(*angles)), -1)[regular]
    np.testing.assert_allclose(found, theirs[regular.numpy()].as_euler("ZYZ"), atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_angles_survive_the_poles(angles: list[Tensor], dtype: torch.dtype) -> None:
    eps = torch.finfo(dtype).eps
    R = zyz_to_matrix(*(a.to(dtype) for a in angles))
    found = matrix_to_zyz(R)
    assert found[1].min() >= 0
    assert found[1].max() <= math.pi + eps
    torch.testing.assert_close(zyz_to_matrix(*found), R, rtol=0, atol=10 * eps)


def test_proper_rotations_of_the_cube_survive() -> None:
    """All 24, with every kind of exact zero and sign of zero."""
    R = torch.from_numpy(Rotation.create_group("O").as_matrix()).round()
    for zero in (0.0, -0.0):
        signed = torch.where(R == 0, zero, R)
        torch.testing.assert_close(zyz_to_matrix(*matrix_to_zyz(signed)), R, rtol=0, atol=1e-15)


def test_both_kinds_of_angles_describe_one_rotation(angles: list[Tensor]) -> None:
    R = zyz_to_matrix(*angles)
    yxy = zyz_to_yxy(*angles)
    torch.testing.assert_close(o3.angles_to_matrix(*yxy), R, rtol=0, atol=2e-15)
    torch.testing.assert_close(zyz_to_matrix(*yxy_to_zyz(*yxy)), R, rtol=0, atol=5e-15)


def test_angles_of_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(3,\), expected \(\.\.\., 3, 3\)"):
        matrix_to_zyz(torch.zeros(3))
