"""The symmetries that forces and torques of any invariant energy have."""

import pytest
import torch
from e3nn import o3

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.potentials import mechanics
from anisoap_e3nn.testing import check_equivariance
from anisoap_e3nn.testing.moves import transformed

KINDS = ["periodic", "open", "slab"]


def assert_same(a: torch.Tensor, b: torch.Tensor) -> None:
    assert b.abs().max() > 1e-3
    assert (a - b).abs().max() <= 1e-11 * b.abs().max()


@pytest.mark.parametrize("kind", KINDS)
def test_forces_sum_to_zero(
    backend: str, model: torch.nn.Module, frames: dict[str, EllipsoidData], kind: str
) -> None:
    forces = mechanics(model, frames[kind]).forces
    assert forces.sum(0).abs().max() < 1e-12 * forces.abs().sum()


def test_angular_momentum_is_conserved(
    backend: str, model: torch.nn.Module, frames: dict[str, EllipsoidData]
) -> None:
    data = frames["open"]
    _, forces, torques, *_ = mechanics(model, data)
    of_forces = torch.linalg.cross(data.pos, forces).sum(0)
    assert of_forces.abs().max() > 1e-3
    assert (of_forces + torques.sum(0)).abs().max() < 1e-12 * torques.abs().sum()


def test_virial_of_an_open_frame(
    backend: str, model: torch.nn.Module, frames: dict[str, EllipsoidData]
) -> None:
    data = frames["open"]
    result = mechanics(model, data)
    moments = torch.einsum("ia,ib->ab", data.pos, result.forces)
    assert_same(result.virial[0], (moments + moments.T) / 2)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_no_torque_about_the_axis_of_a_spheroid(
    backend: str, model: torch.nn.Module, frames: dict[str, EllipsoidData], axis: int
) -> None:
    data = frames["periodic"]
    data.semiaxes[:] = 0.9
    data.semiaxes[:, axis] = torch.tensor([0.0, 0.2, 0.5, 1.5, 2.0, 3.0])  # disks to rods
    torques = mechanics(model, data, body_frame=True).torques
    assert torques[:, axis].abs().max() < 1e-13 * torques.abs().max()
    others = [k for k in range(3) if k != axis]
    assert (torques[:, others].abs().amax(1) > 1e-3).all()


def test_no_torque_on_spheres(
    backend: str, model: torch.nn.Module, frames: dict[str, EllipsoidData]
) -> None:
    data = frames["periodic"]
    data.semiaxes[:3] = torch.tensor([0.0, 0.6, 1.3])[:, None]  # a point is a sphere
    torques = mechanics(model, data).torques
    assert torques[:3].abs().max() < 1e-13 * torques[3:].abs().max()


@pytest.mark.parametrize("kind", KINDS)
def test_equivariance(
    backend: str, model: torch.nn.Module, frames: dict[str, EllipsoidData], kind: str
) -> None:
    assert all(x.abs().max() > 1e-3 for x in mechanics(model, frames[kind])[:4])
    check_equivariance(model, frames[kind], tolerance=1e-11)


@pytest.mark.parametrize("sign", [1, -1], ids=["rotation", "rotation_inversion"])
def test_torques_in_the_body_frame_stay(
    model: torch.nn.Module, frames: dict[str, EllipsoidData], sign: int
) -> None:
    data = frames["slab"]
    turned = transformed(data, sign * o3.rand_matrix())
    before, after = (mechanics(model, x, body_frame=True).torques for x in (data, turned))
    assert_same(after, before)
