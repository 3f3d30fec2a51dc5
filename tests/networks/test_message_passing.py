"""Networks of messages: their symmetries and derivatives, before and after training."""

from collections.abc import Callable

import pytest
import torch
from e3nn import o3
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.geometry import quaternions_to_matrices, rotation_matrices
from anisoap_e3nn.networks import MessagePassingPotential
from anisoap_e3nn.potentials import mechanics
from small_networks import CUTOFF, FRAMES
from turned_frame import proper, turned


def assert_same(a: torch.Tensor, b: torch.Tensor, tolerance: float = 1e-10) -> None:
    assert b.abs().max() > 1e-3
    assert (a - b).abs().max() <= tolerance * b.abs().max()


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("improper", [False, True], ids=["rotation", "rotation_inversion"])
def test_rotations_and_inversion(
    potential: MessagePassingPotential,
    frames: dict[str, EllipsoidData],
    kind: str,
    improper: bool,
) -> None:
    R = o3.rand_matrix() * (-1 if improper else 1)
    before = mechanics(potential, frames[kind])
    after = mechanics(potential, turned(frames[kind], R))
    assert_same(after.energies, before.energies)
    assert_same(after.forces, before.forces @ R.T)
    assert_same(after.torques, before.torques @ proper(R).T)
    assert_same(after.virial, R @ before.virial @ R.T)


@pytest.mark.parametrize("kind", FRAMES)
def test_translation_permutation_and_images(
    potential: MessagePassingPotential, frames: dict[str, EllipsoidData], kind: str
) -> None:
    data = frames[kind]
    generator = torch.Generator().manual_seed(3)
    order = torch.randperm(len(data.pos), generator=generator)
    moved = data.clone()
    for name in ("pos", "orientations", "semiaxes", "types"):
        moved[name] = data[name][order]
    images = torch.randint(-2, 3, data.pos.shape, generator=generator) * data.pbc
    moved.pos = moved.pos + torch.tensor([12.3, -4.5, 6.7]) + images.double() @ data.cell[0]
    before, after = mechanics(potential, data), mechanics(potential, moved)
    assert_same(after.energy, before.energy)
    for name in ("energies", "forces", "torques"):
        assert_same(getattr(after, name), getattr(before, name)[order])


def test_a_batch_is_its_members(
    potential: MessagePassingPotential, frames: dict[str, EllipsoidData]
) -> None:
    batch = mechanics(potential, Batch.from_data_list(list(frames.values())))
    members = [mechanics(potential, data) for data in frames.values()]
    for together, *apart in zip(batch, *members, strict=True):
        apart = torch.cat(apart)
        assert (together - apart).abs().max() <= 1e-12 * max(1, apart.abs().max())


def test_equivalent_axes(
    potential: MessagePassingPotential, frames: dict[str, EllipsoidData]
) -> None:
    """Half a turn of an ellipsoid about one of its axes is nothing, nor is another name of its axes."""
    data = frames["periodic"]
    turned, renamed = data.clone(), data.clone()
    R = rotation_matrices(data.orientations)
    turned.orientations = R @ torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    cycle = torch.tensor([1, 2, 0])
    renamed.orientations, renamed.semiaxes = R[:, :, cycle], data.semiaxes[:, cycle]
    expected = mechanics(potential, data)
    for same in (turned, renamed):
        for a, b in zip(mechanics(potential, same), expected, strict=True):
            assert (a - b).abs().max() <= 1e-10 * b.abs().max()


@pytest.mark.parametrize("kind", FRAMES)
def test_derivatives_are_finite_differences(
    potential: MessagePassingPotential, frames: dict[str, EllipsoidData], kind: str
) -> None:
    data, step = frames[kind], 1e-5
    data.orientations = rotation_matrices(data.orientations)
    result = mechanics(potential, data)

    def slope(change: Callable[[EllipsoidData, float], None]) -> torch.Tensor:
        energies = []
        for sign in (1, -1):
            moved = data.clone()
            change(moved, sign * step)
            energies.append(mechanics(potential, moved).energy)
        return (energies[0] - energies[1]) / (2 * step)

    for axis in range(3):
        e = torch.eye(3)[axis]

        def shift(moved: EllipsoidData, by: float) -> None:
            moved.pos[1] += by * e  # noqa: B023

        def turn(moved: EllipsoidData, by: float) -> None:
            quaternion = torch.cat([torch.ones(1), by / 2 * e])  # noqa: B023
            moved.orientations[1] = quaternions_to_matrices(quaternion) @ moved.orientations[1]

        def strain(moved: EllipsoidData, by: float) -> None:
            stretch = torch.eye(3) + by * torch.outer(e, e)  # noqa: B023
            moved.pos, moved.cell = moved.pos @ stretch, moved.cell @ stretch

        scale = float(result.forces.abs().max() + result.torques.abs().max())
        for change, derivative in (
            (shift, -result.forces[1, axis]),
            (turn, -result.torques[1, axis]),
            (strain, -result.virial[0, axis, axis]),
        ):
            assert abs(slope(change) - derivative) < 1e-6 * scale


def test_energies_are_smooth_at_the_cutoff(potential: MessagePassingPotential) -> None:
    def energy(distance: float) -> torch.Tensor:
        data = EllipsoidData(
            pos=torch.tensor([[0.0, 0, 0], [0, 0, distance]]),
            orientations=torch.tensor([[1.0, 2, 3, 4], [4.0, 3, 2, 1]]),
            semiaxes=torch.tensor([[0.5, 0.7, 1.0], [0.9, 0.4, 0.6]]),
            types=torch.tensor([6, 1]),
        )
        return torch.cat([x.flatten() for x in mechanics(potential, data)[:3]])

    beyond = energy(CUTOFF + 1.0)
    assert (beyond[1:].abs() < 1e-12).all()
    assert (energy(CUTOFF + 1e-9) - beyond).abs().max() < 1e-12
    assert (energy(CUTOFF - 1e-4) - beyond).abs().max() < 1e-6
    assert (energy(CUTOFF - 1.0) - beyond).abs().max() > 1e-4
