"""The symmetries that forces and torques of any invariant energy have."""

import pytest
import torch
from e3nn import o3

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.potentials import mechanics
from turned_frame import proper, turned

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
@pytest.mark.parametrize("improper", [False, True], ids=["rotation", "rotation_inversion"])
def test_rotations_and_inversion(
    backend: str,
    model: torch.nn.Module,
    frames: dict[str, EllipsoidData],
    kind: str,
    improper: bool,
) -> None:
    """Forces are vectors (1o), torques pseudovectors (1e), virial and stress tensors (0e + 2e)."""
    R = o3.rand_matrix() * (-1 if improper else 1)
    both = frames[kind], turned(frames[kind], R)
    before, after = (mechanics(model, data) for data in both)
    assert_same(after.energy, before.energy)
    assert_same(after.forces, before.forces @ R.T)
    assert_same(after.torques, before.torques @ proper(R).T)
    assert_same(after.virial, R @ before.virial @ R.T)
    if kind != "open":
        assert (after.stress - R @ before.stress @ R.T).abs().max() < 1e-13
    body = [mechanics(model, frame, body_frame=True).torques for frame in both]
    assert_same(*body)


@pytest.mark.parametrize("kind", KINDS)
def test_translation_and_permutation(
    backend: str, model: torch.nn.Module, frames: dict[str, EllipsoidData], kind: str
) -> None:
    data = frames[kind]
    order = torch.randperm(len(data.pos), generator=torch.Generator().manual_seed(3))
    moved = data.clone()
    for name in ("pos", "orientations", "semiaxes", "types"):
        moved[name] = data[name][order]
    moved.pos = moved.pos + torch.tensor([12.3, -4.5, 6.7])
    before, after = mechanics(model, data), mechanics(model, moved)
    for name in ("energy", "virial"):
        assert_same(getattr(after, name), getattr(before, name))
    for name in ("forces", "torques"):
        assert_same(getattr(after, name), getattr(before, name)[order])


def test_choice_of_periodic_image(
    backend: str, model: torch.nn.Module, frames: dict[str, EllipsoidData]
) -> None:
    data = frames["periodic"]
    moved = data.clone()
    images = torch.randint(-2, 3, data.pos.shape, generator=torch.Generator().manual_seed(3))
    moved.pos = data.pos + images.double() @ data.cell[0]
    for a, b in zip(mechanics(model, moved), mechanics(model, data), strict=True):
        assert (a - b).abs().max() <= 1e-11 * b.abs().max()
