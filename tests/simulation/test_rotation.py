"""Rotation of rigid bodies against Euler's equations, and bodies that are flat, thin or points."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.spatial.transform import Rotation

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.simulation import NVE, RigidBodies
from moving_bodies import FIELD, N, cluster_forces, energies_of, field_forces, no_forces


def one_top(moments: list[float]) -> RigidBodies:
    turn = Rotation.from_rotvec([0.3, 1.1, -0.4]).as_quat()
    data = EllipsoidData(
        torch.zeros(1, 3), torch.from_numpy(turn[[3, 0, 1, 2]])[None], torch.ones(1, 3), [0]
    )
    return RigidBodies(data, moments=moments)


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
