"""Rigid bodies with energies of their own, for tests of dynamics."""

from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.geometry import covariances, rotation_matrices
from anisoap_e3nn.potentials import Mechanics, mechanics
from anisoap_e3nn.simulation import RigidBodies

N = 6


def cluster_energy(data: Any) -> Tensor:
    """Soft anisotropic repulsion between all pairs, and springs that hold them together."""
    shapes = covariances(data.orientations, data.semiaxes)
    r = data.pos[None] - data.pos[:, None]  # -> [particle, particle, 3]
    widths = shapes[None] + shapes[:, None] + torch.eye(3)
    repulsion = torch.exp(-torch.einsum("ija,ijab,ijb->ij", r, torch.linalg.inv(widths), r) / 2)
    springs = 0.05 * r.square().sum(2)
    pairs = 1 - torch.eye(len(data.pos))
    return (pairs * (4 * repulsion + springs)).sum(1) / 2


def cluster_forces(data: Any) -> Mechanics:
    return mechanics(cluster_energy, data)


class ForcesAndTorques(NamedTuple):
    energy: Tensor
    forces: Tensor
    torques: Tensor


def no_forces(data: Any) -> ForcesAndTorques:
    zeros = torch.zeros_like(data.pos)
    return ForcesAndTorques(torch.zeros(1), zeros, zeros)


FIELD = torch.tensor([0.3, -0.5, 0.8], dtype=torch.float64)


def field_forces(data: Any) -> ForcesAndTorques:
    """A field along which the third axes turn, and a harmonic trap."""
    axes = rotation_matrices(data.orientations)[:, :, 2]
    energy = data.pos.square().sum() / 2 - (axes @ FIELD).sum()
    torques = torch.linalg.cross(axes, FIELD.expand_as(axes))
    return ForcesAndTorques(energy[None], -data.pos, torques)


@pytest.fixture
def cluster(generator: torch.Generator) -> EllipsoidData:
    return EllipsoidData(
        1.5 * torch.randn(N, 3, generator=generator),
        3 * torch.randn(N, 4, generator=generator),  # of any norm
        0.4 + torch.rand(N, 3, generator=generator),
        [0] * N,
    )


@pytest.fixture
def bodies(cluster: EllipsoidData, generator: torch.Generator) -> RigidBodies:
    bodies = RigidBodies(cluster, masses=1 + torch.rand(N, generator=generator))
    bodies.draw_momenta(1.0, generator)
    return bodies


def energies_of(dynamics: Any, n_steps: int) -> Tensor:
    energies = [dynamics.total_energy]
    dynamics.run(n_steps, lambda dynamics: energies.append(dynamics.total_energy))
    return torch.stack(energies)  # -> [step, frame]
