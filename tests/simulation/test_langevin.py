"""Langevin dynamics: the canonical ensemble, its noise and its friction."""

import math

import torch
from torch import Tensor

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.simulation import Langevin, RigidBodies
from moving_bodies import FIELD, cluster_forces, energies_of, field_forces, no_forces


def coth(x: float) -> float:
    return 1 / math.tanh(x)


def test_the_canonical_ensemble(generator: torch.Generator) -> None:
    """Many bodies that do not interact, in a trap and a field, against what is known exactly."""
    n, temperature = 600, 0.7
    data = EllipsoidData(
        torch.zeros(n, 3),
        torch.randn(n, 4, generator=generator),
        [[0.6, 0.8, 1.4]] * n,
        [0] * n,
    )
    bodies = RigidBodies(data, masses=1.7)
    dynamics = Langevin(
        field_forces,
        bodies,
        0.1,
        temperature=temperature,
        friction=0.7,
        angular_friction=0.5,
        generator=generator,
    )
    dynamics.run(100)
    samples = []

    def take(dynamics: Langevin) -> None:
        axes = rotation_matrices(bodies.quaternions)[:, :, 2]
        along = axes @ FIELD / FIELD.norm()
        p, l = bodies.momenta, bodies.angular_momenta
        kinetic = torch.cat([p**2 / (2 * 1.7), l**2 / (2 * bodies.moments)], dim=1)
        samples.append(torch.cat([kinetic, bodies.positions**2 / 2, along[:, None]], dim=1))

    dynamics.run(600, take, every=60)
    values = torch.cat(samples)  # -> [sample, quantity], nearly independent
    h = float(FIELD.norm()) / temperature
    expected = torch.tensor([temperature / 2] * 9 + [coth(h) - 1 / h])
    errors = values.std(0) / len(values) ** 0.5
    assert errors.max() < 0.01
    assert ((values.mean(0) - expected).abs() < 4 * errors).all()
    spreads = torch.tensor([temperature / math.sqrt(2)] * 6)  # of the kinetic energies
    torch.testing.assert_close(values.std(0)[:6], spreads, rtol=0.08, atol=0)


def test_noise_is_reproducible(cluster: EllipsoidData) -> None:
    def end(seed: int, friction: float) -> Tensor:
        bodies = RigidBodies(cluster)
        generator = torch.Generator().manual_seed(seed)
        bodies.draw_momenta(1.0, torch.Generator().manual_seed(3))
        Langevin(
            cluster_forces, bodies, 0.02, temperature=1.0, friction=friction, generator=generator
        ).run(20)
        return torch.cat([bodies.positions.flatten(), bodies.quaternions.flatten()])

    assert torch.equal(end(1, 0.5), end(1, 0.5))
    assert (end(1, 0.5) - end(2, 0.5)).abs().max() > 1e-3
    assert torch.equal(end(1, 0.0), end(2, 0.0))


def test_without_friction_energy_is_conserved(bodies: RigidBodies) -> None:
    dynamics = Langevin(cluster_forces, bodies, 0.005, temperature=9.0, friction=0.0)
    assert energies_of(dynamics, 100).std() < 1e-4


def test_friction_alone_stops_the_bodies(bodies: RigidBodies) -> None:
    before = (bodies.momenta, bodies.angular_momenta.norm(dim=1))
    dynamics = Langevin(no_forces, bodies, 0.1, temperature=0.0, friction=0.3, angular_friction=0.9)
    dynamics.run(10)
    torch.testing.assert_close(bodies.momenta, before[0] * math.exp(-0.3))
    torch.testing.assert_close(bodies.angular_momenta.norm(dim=1), before[1] * math.exp(-0.9))
