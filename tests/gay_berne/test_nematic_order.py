"""The energy of the local nematic order: its values, symmetries and derivatives."""

import pytest
import torch
from torch import Tensor

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.gay_berne import NematicOrder
from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.potentials import mechanics


def frame(pos: Tensor, orientations: Tensor, semiaxes: Tensor) -> EllipsoidData:
    return EllipsoidData(pos, orientations, semiaxes, torch.zeros(len(pos), dtype=torch.long))


pytestmark = pytest.mark.usefixtures("float64_by_default")


@pytest.fixture
def particles() -> tuple[Tensor, Tensor, Tensor]:
    return torch.randn(6, 3), torch.randn(6, 4), 0.5 + torch.rand(6, 3)


def test_formula(particles: tuple[Tensor, Tensor, Tensor]) -> None:
    """Particle by particle, with plain loops."""
    pos, orientations, semiaxes = particles
    R = rotation_matrices(orientations)
    expected = []
    for i in range(6):
        Q, weights = torch.zeros(3, 3), torch.tensor(0.0)
        for j in range(6):
            f = (1 - (pos[j] - pos[i]).square().sum() / 4).clamp(min=0) ** 3
            A = R[j] @ semiaxes[j].square().diag() @ R[j].T
            Q, weights = Q + f * (A / A.trace() - torch.eye(3) / 3), weights + f
        expected.append(-0.7 * 1.5 * ((Q / weights) @ (Q / weights)).trace())
    found = NematicOrder(2.0, strength=0.7)(frame(*particles))
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-12, atol=0)


def test_forces_and_torques(particles: tuple[Tensor, Tensor, Tensor]) -> None:
    pos, orientations, semiaxes = particles
    potential, step = NematicOrder(2.0), 1e-5
    result = mechanics(potential, frame(*particles))
    for axis in range(3):
        moved, turn = torch.zeros(6, 3), torch.tensor([1.0, 0, 0, 0])
        moved[2, axis], turn[1 + axis] = step, step / 2
        energies = [
            potential(frame(pos + s * moved, orientations, semiaxes)).sum() for s in (1, -1)
        ]
        force = (energies[1] - energies[0]) / (2 * step)
        torch.testing.assert_close(result.forces[2, axis], force, rtol=1e-6, atol=1e-8)
        energies = []
        for s in (1, -1):
            q = orientations.clone()
            w, v = q[2, 0].clone(), q[2, 1:].clone()
            t = s * turn[1:]
            q[2] = torch.cat([(w - t @ v)[None], v + w * t + torch.linalg.cross(t, v)])
            energies.append(potential(frame(pos, q, semiaxes)).sum())
        torque = (energies[1] - energies[0]) / (2 * step)
        torch.testing.assert_close(result.torques[2, axis], torque, rtol=1e-6, atol=1e-8)


def test_spheres_have_no_order_and_pairs_do_not_add_up(
    particles: tuple[Tensor, Tensor, Tensor],
) -> None:
    pos, orientations, _ = particles
    spheres = frame(pos, orientations, torch.ones(6, 3))
    assert NematicOrder(5.0)(spheres).abs().max() < 1e-14
    three = [x[:3] for x in particles]

    def energy(*which: int) -> Tensor:
        return NematicOrder(50.0)(frame(*(x[list(which)] for x in three))).sum()

    pairs = energy(0, 1) + energy(0, 2) + energy(1, 2) - energy(0) - energy(1) - energy(2)
    assert (energy(0, 1, 2) - pairs).abs() > 1e-3


def test_cutoff_is_smooth() -> None:
    """Energy and force fall to zero at the cutoff."""
    turned = torch.tensor([[1.0, 0, 0, 0], [0.5, 0.5, 0.5, 0.5]])
    semiaxes = torch.tensor([[1.0, 1, 3]] * 2)
    alone = NematicOrder(2.0)(frame(torch.tensor([[0.0, 0, 0], [9, 0, 0]]), turned, semiaxes))
    near = frame(torch.tensor([[0.0, 0, 0], [2 - 1e-4, 0, 0]]), turned, semiaxes)
    result = mechanics(NematicOrder(2.0), near)
    torch.testing.assert_close(result.energies, alone, rtol=0, atol=1e-10)
    assert result.forces.abs().max() < 1e-6
