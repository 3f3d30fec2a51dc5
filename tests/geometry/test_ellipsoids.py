import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch.autograd import gradcheck

from anisoap_e3nn.geometry import (
    covariances,
    damped_covariances,
    matrices_to_quaternions,
    quaternions_to_matrices,
    rotation_matrices,
)


@pytest.fixture
def quaternions(generator: torch.Generator) -> torch.Tensor:
    return torch.randn(50, 4, dtype=torch.float64, generator=generator)


def test_matrices_are_scipys(quaternions: torch.Tensor) -> None:
    theirs = Rotation.from_quat(quaternions[:, [1, 2, 3, 0]].numpy()).as_matrix()
    np.testing.assert_allclose(quaternions_to_matrices(quaternions), theirs, atol=1e-14)


@pytest.mark.parametrize("norm", [1e-200, 1e-20, 3.0, -2.0, 1e20, 1e200])
def test_norm_of_quaternions_does_not_matter(quaternions: torch.Tensor, norm: float) -> None:
    torch.testing.assert_close(
        quaternions_to_matrices(norm * quaternions),
        quaternions_to_matrices(quaternions),
        rtol=0,
        atol=1e-14,
    )


def test_gradient_of_matrices(quaternions: torch.Tensor) -> None:
    q = quaternions[:5].clone().requires_grad_()
    assert gradcheck(quaternions_to_matrices, (q,))
    (gradient,) = torch.autograd.grad(quaternions_to_matrices(q).pow(3).sum(), q)
    torch.testing.assert_close((gradient * q).sum(-1), torch.zeros(5, dtype=q.dtype))


def test_quaternions_come_back(quaternions: torch.Tensor) -> None:
    unit = quaternions / quaternions.norm(dim=-1, keepdim=True)
    unit = torch.where(unit[:, :1] < 0, -unit, unit)
    back = matrices_to_quaternions(quaternions_to_matrices(quaternions))
    torch.testing.assert_close(back, unit, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    "axis", [[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [0.6, 0, 0.8], [0.1, -0.7, 0.7]]
)
@pytest.mark.parametrize("angle", [0.0, 1e-9, np.pi - 1e-9, np.pi])
def test_quaternions_of_half_turns(axis: list[float], angle: float) -> None:
    rotation = Rotation.from_rotvec(angle * np.array(axis) / np.linalg.norm(axis))
    q = matrices_to_quaternions(torch.from_numpy(rotation.as_matrix()))
    assert q[0] >= 0
    np.testing.assert_allclose(quaternions_to_matrices(q), rotation.as_matrix(), atol=1e-15)


def test_covariance_has_squared_semiaxes_along_the_body_axes(quaternions: torch.Tensor) -> None:
    semiaxes = torch.linspace(0, 3, 150, dtype=torch.float64).reshape(50, 3)
    sigma = covariances(quaternions, semiaxes)
    R = rotation_matrices(quaternions)
    along_axes = torch.einsum("nka,nkl,nlb->nab", R, sigma, R)
    torch.testing.assert_close(along_axes, torch.diag_embed(semiaxes.square()))
    torch.testing.assert_close(covariances(R, semiaxes), sigma)  # either spelling


@pytest.mark.parametrize("exponent", [0.0, 0.3, 20.0])
def test_damped_covariances_are_the_matrix_formula(
    quaternions: torch.Tensor, exponent: float
) -> None:
    semiaxes = torch.rand(50, 3, dtype=torch.float64) * torch.tensor([0.0, 1.0, 3.0]).double()
    sigma = covariances(quaternions, semiaxes)
    growth = torch.eye(3, dtype=torch.float64) + exponent * sigma
    C, w = damped_covariances(quaternions, semiaxes, exponent)
    torch.testing.assert_close(C, sigma @ torch.linalg.inv(growth))
    torch.testing.assert_close(w, torch.linalg.det(growth).rsqrt())


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4), (4,), (2, 2, 4)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"quaternions \(N, 4\).*rotation matrices \(N, 3, 3\)"):
        rotation_matrices(torch.ones(shape))


def test_wrong_shapes_of_the_conversions_are_refused() -> None:
    with pytest.raises(ValueError, match=r"quaternions have shape \(\.\.\., 4\).*found \(2, 3\)"):
        quaternions_to_matrices(torch.ones(2, 3))
    with pytest.raises(ValueError, match=r"shape \(\.\.\., 3, 3\), found \(2, 4\)"):
        matrices_to_quaternions(torch.ones(2, 4))
