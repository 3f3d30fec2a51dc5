"""Rigid bodies: conservation, reversibility, order of the error, exact tops, and the canonical ensemble."""

import math
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.geometry import covariances, rotation_matrices
from anisoap_e3nn.potentials import Mechanics, mechanics
from anisoap_e3nn.simulation import NVE, Langevin, RigidBodies

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


def one_top(moments: list[float]) -> RigidBodies:
    turn = Rotation.from_rotvec([0.3, 1.1, -0.4]).as_quat()
    data = EllipsoidData(
        torch.zeros(1, 3), torch.from_numpy(turn[[3, 0, 1, 2]])[None], torch.ones(1, 3), [0]
    )
    return RigidBodies(data, moments=moments)


def energies_of(dynamics: Any, n_steps: int) -> Tensor:
    energies = [dynamics.total_energy]
    dynamics.run(n_steps, lambda dynamics: energies.append(dynamics.total_energy))
    return torch.stack(energies)  # -> [step, frame]


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


def exact_top(bodies: RigidBodies, time: float, field: np.ndarray) -> tuple[Rotation, np.ndarray]:
    """Euler's equations with the torque of a field on the third axis, by SciPy."""
    moments = bodies.moments[0].numpy()

    def rates(_: float, state: np.ndarray) -> np.ndarray:
        q, spin = state[:4], state[4:]  # (x, y, z, w)
        velocity = spin / moments
        R = Rotation.from_quat(q).as_matrix()
        torque = R.T @ np.cross(R[:, 2], field)
        x, y, z, w = q
        products = np.array([[w, -z, y], [z, w, -x], [-y, x, w], [-x, -y, -z]])
        return np.concatenate([products @ velocity / 2, np.cross(spin, velocity) + torque])

    start = np.concatenate([bodies.quaternions[0, [1, 2, 3, 0]], bodies.angular_momenta[0]])
    end = solve_ivp(rates, (0, time), start, method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
    return Rotation.from_quat(end[:4]), end[4:]


@pytest.mark.parametrize("forces", [no_forces, field_forces], ids=["free", "in a field"])
@pytest.mark.parametrize(
    "moments", [[1.0, 2.0, 2.7], [2.5, 0.7, 2.0], [1.3, 1.3, 0.4], [0.9, 0.9, 0.9]]
)
def test_tops_follow_eulers_equations(moments: list[float], forces: Any) -> None:
    field = FIELD.numpy() if forces is field_forces else np.zeros(3)
    errors = []
    for n_steps in (400, 800):
        bodies = one_top(moments)
        bodies.angular_momenta = torch.tensor([[0.9, 1.2, -0.5]])
        rotation, spin = exact_top(bodies, 4.0, field)
        in_space = bodies.angular_momentum()
        dynamics = NVE(forces, bodies, 4.0 / n_steps)
        dynamics.run(n_steps)
        found = Rotation.from_matrix(rotation_matrices(bodies.quaternions)[0].numpy())
        angle = (found * rotation.inv()).magnitude()
        errors.append(max(angle, float(np.abs(bodies.angular_momenta[0].numpy() - spin).max())))
        if forces is no_forces:
            torch.testing.assert_close(bodies.angular_momentum(), in_space, rtol=0, atol=1e-13)
    assert errors[1] < 2e-4
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)


def test_rotation_about_one_axis_is_exact() -> None:
    for axis in range(3):
        bodies = one_top([1.0, 2.0, 3.0])
        start = Rotation.from_matrix(rotation_matrices(bodies.quaternions)[0].numpy())
        bodies.angular_momenta[0, axis] = 2.0
        NVE(no_forces, bodies, 0.5).run(3)
        angle = np.zeros(3)
        angle[axis] = 2.0 / (axis + 1) * 1.5
        expected = (start * Rotation.from_rotvec(angle)).as_matrix()
        np.testing.assert_allclose(rotation_matrices(bodies.quaternions)[0], expected, atol=1e-14)


def test_moments_are_those_of_solid_ellipsoids(
    cluster: EllipsoidData, generator: torch.Generator
) -> None:
    directions = torch.nn.functional.normalize(torch.randn(400_000, 3, generator=generator))
    ball = directions * torch.rand(400_000, 1, generator=generator) ** (1 / 3)
    semiaxes = cluster.semiaxes[0]
    x, y, z = (ball * semiaxes).square().mean(0)
    expected = 3.0 * torch.stack([y + z, z + x, x + y])
    torch.testing.assert_close(RigidBodies(cluster, 3.0).moments[0], expected, rtol=5e-3, atol=0)


@pytest.mark.parametrize("semiaxes", [[1.0, 0.7, 0.0], [0.0, 0.0, 1.0], [0.9, 0.0, 0.0]])
def test_flat_and_thin_bodies(
    cluster: EllipsoidData, semiaxes: list[float], generator: torch.Generator
) -> None:
    cluster.semiaxes = torch.tensor(semiaxes).expand(N, 3)
    deviations = []
    for step in (0.02, 0.01):
        bodies = RigidBodies(cluster)
        bodies.draw_momenta(1.0, generator.manual_seed(1))
        turning = torch.tensor(
            [any(a > 0 for k, a in enumerate(semiaxes) if k != axis) for axis in range(3)]
        )
        assert (bodies.angular_momenta[:, turning] != 0).all()
        assert not bodies.angular_momenta[:, ~turning].any()
        assert bodies.degrees_of_freedom == N * (3 + turning.sum())
        about_origin = bodies.angular_momentum()
        deviations.append(energies_of(NVE(cluster_forces, bodies, step), round(3 / step)).std())
        torch.testing.assert_close(bodies.angular_momentum(), about_origin, rtol=0, atol=1e-12)
        assert not bodies.angular_momenta[:, ~turning].any()
    assert deviations[0] / deviations[1] == pytest.approx(4, rel=0.1)


def test_needles_turn_exactly(generator: torch.Generator) -> None:
    """At any time step, next to bodies that are none."""
    data = EllipsoidData(
        torch.zeros(4, 3),
        torch.randn(4, 4, generator=generator),
        [[0.0, 0.0, 2.0], [1.0, 2.0, 3.0], [1.5, 0.0, 0.0], [0.0, 0.0, 0.0]],
        [0] * 4,
    )
    bodies = RigidBodies(data, 2.0)
    bodies.draw_momenta(1.0, generator)
    R, l = rotation_matrices(bodies.quaternions), bodies.angular_momenta
    NVE(no_forces, bodies, 0.9).run(3)
    for needle, length in ((0, 2.0), (2, 1.5)):
        spin = (R[needle] @ l[needle]).numpy()
        turn = Rotation.from_rotvec(2.7 * spin / (2.0 / 5 * length**2)).as_matrix()
        found = rotation_matrices(bodies.quaternions)[needle]
        np.testing.assert_allclose(found, turn @ R[needle].numpy(), atol=1e-13)
    assert torch.equal(bodies.angular_momenta[[0, 2]], l[[0, 2]])
    assert (bodies.angular_momenta[1] - l[1]).abs().max() > 0.1


def test_points_do_not_turn(cluster: EllipsoidData, generator: torch.Generator) -> None:
    cluster.semiaxes = torch.zeros(N, 3)
    bodies = RigidBodies(cluster)
    bodies.draw_momenta(1.0, generator)
    before = bodies.quaternions
    NVE(field_forces, bodies, 0.05).run(5)
    assert torch.equal(bodies.quaternions, before)
    assert bodies.rotational_energy == 0
    assert bodies.degrees_of_freedom == 3 * N


def test_observables(bodies: RigidBodies) -> None:
    R = rotation_matrices(bodies.quaternions)
    inertia = R @ torch.diag_embed(bodies.moments) @ R.transpose(1, 2)
    spins = (R @ bodies.angular_momenta[:, :, None]).squeeze(2)
    velocities = torch.linalg.solve(inertia, spins)
    rotational = (spins * velocities).sum() / 2
    translational = (bodies.momenta**2 / bodies.masses[:, None]).sum() / 2
    assert float(bodies.rotational_energy) == pytest.approx(float(rotational), rel=1e-12)
    assert float(bodies.translational_energy) == pytest.approx(float(translational), rel=1e-12)
    assert float(bodies.temperature) == pytest.approx(
        float((rotational + translational) / (3 * N)), rel=1e-12
    )
    total = np.cross(bodies.positions, bodies.momenta).sum(0) + spins.sum(0).numpy()
    np.testing.assert_allclose(bodies.angular_momentum()[0], total, rtol=1e-12)
    bodies.remove_drift()
    np.testing.assert_allclose(bodies.linear_momentum, 0, atol=1e-13)


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"masses": 0.0}, "masses are .*expected > 0"),
        ({"masses": [1.0] * (N - 1) + [-1.0]}, "masses is .*finite numbers ≥ 0"),
        ({"masses": [1.0] * (N + 1)}, r"masses has shape \(7,\), expected \(\) or \(6,\)"),
        ({"moments": [1.0, 2.0]}, r"moments has shape \(2,\), expected \(3,\) or \(6, 3\)"),
        ({"moments": [1.0, 2.0, math.nan]}, "moments is .*finite numbers"),
        ({"moments": [1.0, 2.0, 3.1]}, r"moments\[0\] is \[1.0, 2.0, 3.1.*\], expected no"),
        ({"moments": [1.0, 2.0, 0.0]}, "larger than the sum"),
    ],
)
def test_bodies_that_are_none_are_refused(
    cluster: EllipsoidData, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        RigidBodies(cluster, **arguments)


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
