"""Dynamics of rigid bodies: conservation, reversibility, order of the error, and what goes in and out."""

import math
from typing import Any

import pytest
import torch
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.potentials import Mechanics, mechanics
from anisoap_e3nn.simulation import NVE, Langevin, RigidBodies
from moving_bodies import N, cluster_forces, energies_of, no_forces


def test_energy_fluctuates_by_the_square_of_the_time_step(
    cluster: EllipsoidData, generator: torch.Generator
) -> None:
    bodies = [RigidBodies(cluster) for _ in range(2)]
    bodies[0].draw_momenta(1.0, generator)
    bodies[1].momenta, bodies[1].angular_momenta = bodies[0].momenta, bodies[0].angular_momenta
    coarse, fine = (
        energies_of(NVE(cluster_forces, x, step), round(6 / step))
        for x, step in zip(bodies, (0.02, 0.01), strict=True)
    )
    assert coarse.std() > 1e-5
    assert coarse.std() / fine.std() == pytest.approx(4, rel=0.1)
    quarters = coarse.flatten()[1:].unflatten(0, (4, -1)).mean(1)
    assert (quarters - quarters[0]).abs().max() < 2 * coarse.std()  # no drift


def test_motion_is_reversible(bodies: RigidBodies) -> None:
    dynamics = NVE(cluster_forces, bodies, 0.02)
    before = (bodies.positions, bodies.quaternions, bodies.momenta, bodies.angular_momenta)
    dynamics.run(100)
    assert (bodies.positions - before[0]).norm(dim=1).min() > 0.1
    bodies.momenta, bodies.angular_momenta = -bodies.momenta, -bodies.angular_momenta
    dynamics.run(100)
    after = (bodies.positions, bodies.quaternions, -bodies.momenta, -bodies.angular_momenta)
    for x, expected in zip(after, before, strict=True):
        torch.testing.assert_close(x, expected, rtol=0, atol=1e-11)
    assert dynamics.n_steps == 200


def test_momenta_are_conserved_in_an_open_cluster(bodies: RigidBodies) -> None:
    dynamics = NVE(cluster_forces, bodies, 0.03)
    center = bodies.center_of_mass
    linear, about_origin = bodies.linear_momentum, bodies.angular_momentum()
    about_center = bodies.angular_momentum(center)
    dynamics.run(200)
    moved = center + 200 * 0.03 * linear / bodies.masses.sum()
    torch.testing.assert_close(bodies.center_of_mass, moved, rtol=0, atol=1e-12)
    torch.testing.assert_close(bodies.linear_momentum, linear, rtol=0, atol=1e-12)
    torch.testing.assert_close(bodies.angular_momentum(), about_origin, rtol=0, atol=1e-12)
    torch.testing.assert_close(
        bodies.angular_momentum(bodies.center_of_mass), about_center, rtol=0, atol=1e-12
    )
    torch.testing.assert_close(bodies.quaternions.norm(dim=1), torch.ones(N), rtol=0, atol=1e-13)


def test_a_batch_is_its_frames(
    model: torch.nn.Module, frames: dict[str, EllipsoidData], generator: torch.Generator
) -> None:
    members = [frames[name].with_edges(4.0) for name in ("slab", "empty", "open", "one_open")]
    batch = RigidBodies(Batch.from_data_list(members))
    batch.draw_momenta(0.01, generator)
    sizes = [len(x.pos) for x in members]
    momenta, angular_momenta = batch.momenta.split(sizes), batch.angular_momenta.split(sizes)
    together = NVE(lambda data: mechanics(model, data), batch, 0.02)
    together.run(5)
    ends = batch.data.to_data_list()
    for k, member in enumerate(members):
        bodies = RigidBodies(member)
        bodies.momenta, bodies.angular_momenta = momenta[k], angular_momenta[k]
        alone = NVE(lambda data: mechanics(model, data), bodies, 0.02)
        alone.run(5)
        torch.testing.assert_close(ends[k].pos, bodies.positions, rtol=0, atol=1e-12)
        torch.testing.assert_close(ends[k].orientations, bodies.quaternions, rtol=0, atol=1e-12)
        for name in ("total_energy", "potential_energy"):
            expected = float(getattr(alone, name))
            assert float(getattr(together, name)[k]) == pytest.approx(expected, rel=1e-12)
        for name in ("temperature", "linear_momentum", "center_of_mass", "translational_energy"):
            torch.testing.assert_close(
                getattr(batch, name)[k], getattr(bodies, name)[0], equal_nan=True
            )


def test_neighbors_are_those_of_now(
    model: torch.nn.Module, frames: dict[str, EllipsoidData], generator: torch.Generator
) -> None:
    """Data with a neighbour list move as those without, and energy is conserved in the crystal."""
    ends = []
    for data in (frames["periodic"], frames["periodic"].with_edges(4.0)):
        bodies = RigidBodies(data)
        bodies.draw_momenta(0.5, generator.manual_seed(1))
        dynamics = NVE(lambda data: mechanics(model, data), bodies, 0.02)
        energies = energies_of(dynamics, 60)
        assert energies.std() < 1e-3 * bodies.kinetic_energy
        ends.append(bodies.positions)
    torch.testing.assert_close(*ends, rtol=0, atol=1e-11)
    assert (ends[0] - data.pos).norm(dim=1).max() > 0.5


def test_orientations_as_matrices(cluster: EllipsoidData) -> None:
    ends = []
    for orientations in (cluster.orientations, rotation_matrices(cluster.orientations)):
        data = cluster.clone()
        data.orientations = orientations
        bodies = RigidBodies(data)
        NVE(cluster_forces, bodies, 0.02).run(20)
        ends.append(rotation_matrices(bodies.data.orientations))
    torch.testing.assert_close(*ends, rtol=0, atol=1e-12)


def test_single_precision(cluster: EllipsoidData, generator: torch.Generator) -> None:
    single = cluster.clone().apply(lambda x: x.float() if x.is_floating_point() else x)
    bodies = [RigidBodies(cluster), RigidBodies(single)]
    for x in bodies:
        x.draw_momenta(1.0, generator.manual_seed(1))
    bodies[1].momenta = bodies[0].momenta.float()
    bodies[1].angular_momenta = bodies[0].angular_momenta.float()

    def forces(data: Any) -> Mechanics:
        return cluster_forces(
            data.clone().apply(lambda x: x.double() if x.is_floating_point() else x)
        )

    def single_forces(data: Any) -> Mechanics:
        return Mechanics(*(x.float() for x in forces(data)))

    NVE(forces, bodies[0], 0.02).run(40)
    NVE(single_forces, bodies[1], 0.02).run(40)
    for name in ("positions", "quaternions", "momenta", "angular_momenta"):
        x, expected = (getattr(b, name) for b in reversed(bodies))
        assert x.dtype == torch.float32
        assert (x - expected).abs().max() < 1e-4


def test_the_data_stay_as_they_are_and_so_do_notes(cluster: EllipsoidData) -> None:
    data = cluster.with_edges(3.0)
    before = {name: value.clone() for name, value in data.to_dict().items()}
    bodies = RigidBodies(data)
    notes: list[EllipsoidData] = []
    NVE(cluster_forces, bodies, 0.05).run(6, lambda x: notes.append(x.bodies.data), every=2)
    assert data.to_dict().keys() == before.keys()
    assert all(torch.equal(data[name], before[name]) for name in before)
    assert len(notes) == 3
    assert notes[0].validate()
    assert not torch.equal(notes[0].pos, notes[1].pos)
    assert torch.equal(notes[2].pos, bodies.positions)


def test_bodies_may_be_moved_between_runs(bodies: RigidBodies) -> None:
    dynamics = NVE(cluster_forces, bodies, 0.01)
    dynamics.run(2)
    bodies.positions *= 1.2
    fresh = RigidBodies(bodies.data, bodies.masses)
    fresh.momenta, fresh.angular_momenta = bodies.momenta, bodies.angular_momenta
    dynamics.run(3)
    NVE(cluster_forces, fresh, 0.01).run(3)
    torch.testing.assert_close(bodies.positions, fresh.positions, rtol=0, atol=1e-14)


def test_other_faults_are_refused(bodies: RigidBodies) -> None:
    for step in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=f"time_step is {step}"):
            NVE(no_forces, bodies, step)
    for name in ("temperature", "friction", "angular_friction"):
        arguments = {"temperature": 1.0, "friction": 1.0, name: -0.1}
        with pytest.raises(ValueError, match=f"{name} is -0.1"):
            Langevin(no_forces, bodies, 0.1, **arguments)
    with pytest.raises(ValueError, match="temperature is nan"):
        bodies.draw_momenta(math.nan)
    with pytest.raises(ValueError, match="every is 0"):
        NVE(no_forces, bodies, 0.1).run(3, every=0)
    with pytest.raises(ValueError, match=r"torques have shape \(6, 3, 1\), expected \(6, 3\)"):
        NVE(lambda data: no_forces(data)._replace(torques=torch.zeros(6, 3, 1)), bodies, 0.1)


def test_a_time_step_that_is_too_long_is_noticed(bodies: RigidBodies) -> None:
    def stiff(data: Any) -> Mechanics:
        return mechanics(lambda data: (100 * data.pos**4).sum(1), data)

    with pytest.raises(RuntimeError, match=r"are not finite after \d+ steps"):
        NVE(stiff, bodies, 0.5).run(50)
