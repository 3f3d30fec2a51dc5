"""Energy conservation of rigid-body dynamics of a Gay-Berne fluid, and momentum conservation of a cluster.

    python -m benchmarks.nve                      # the exact potential
    python -m benchmarks.nve --model fitted.pt    # a checkpoint of save_model

A fluid of 128 ellipsoids is simulated for 20 000 steps, briefly with other time steps, and then as an open
cluster. Units are those of the potential. The drift is the slope of a straight line through the total
energies of all steps, relative to the kinetic energy of one particle. Its error is estimated from tenths of
the trajectory. Most of this error is due to fluctuations of the total energy, which grow with the square of
the time step. The energy that the integrator conserves,

    E + h² (Σ f²/m + Σ τ²/I + 2 V̈) / 24 + O(h⁴), with the potential energy V,

does not have them to leading order (Hairer, Lubich and Wanner, Geometric Numerical Integration, chapter IX;
the splitting of free rotations adds a smaller term). Total and corrected energy differ by a bounded amount,
so they have the same drift. It is seen earlier in the corrected energy.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from anisoap_e3nn.gay_berne import gay_berne_fluids, triaxial_gay_berne
from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.potentials import load_model
from anisoap_e3nn.simulation import NVE, ForceField, RigidBodies

TEMPERATURE = 1.2
SKIN = 0.4
FACTORS = (4, 2, 1, 0.5)  # time steps to compare, in units of the recommended one
BRIEF = 2.0  # duration of these runs


class Trajectory(NamedTuple):
    """Records after each step; energies are those of all particles."""

    time_step: float
    total: Tensor  # [step]
    kinetic: Tensor  # [step]
    corrected: Tensor  # [step - 2]: without the first and the last
    momentum_error: float
    angular_momentum_error: float
    seconds: float

    @property
    def times(self) -> Tensor:
        return self.time_step * torch.arange(1, len(self.total) + 1)


def start(data: Any, seed: int = 0) -> RigidBodies:
    bodies = RigidBodies(data)
    bodies.draw_momenta(TEMPERATURE, torch.Generator().manual_seed(seed))
    bodies.remove_drift()
    return bodies


def follow(
    force_field: Callable[[Any], Any], bodies: RigidBodies, time_step: float, n_steps: int
) -> Trajectory:
    """Run dynamics and record energies and errors of the momenta."""
    results: list[Any] = []  # the last result

    def forces_and_torques(data: Any) -> Any:
        results[:] = [force_field(data)]
        return results[0]

    dynamics = NVE(forces_and_torques, bodies, time_step)
    momentum, angular_momentum = bodies.linear_momentum, bodies.angular_momentum()
    rows, errors = [], torch.zeros(2)

    def note(dynamics: NVE) -> None:
        torques = results[0].torques[:, None] @ rotation_matrices(bodies.quaternions)
        squares = results[0].forces.square() / bodies.masses[:, None]
        squares = squares + torques.squeeze(1).square() / bodies.moments
        potential, kinetic = dynamics.potential_energy, bodies.kinetic_energy
        rows.append(torch.stack([potential.sum(), kinetic.sum(), squares.sum()]))
        changes = bodies.linear_momentum - momentum, bodies.angular_momentum() - angular_momentum
        errors.copy_(torch.maximum(errors, torch.stack([x.abs().max() for x in changes])))

    began = time.perf_counter()
    dynamics.run(n_steps, note)  # shows progress
    seconds = time.perf_counter() - began
    potential, kinetic, squares = torch.stack(rows, 1)
    total = potential + kinetic
    second_difference = potential[2:] - 2 * potential[1:-1] + potential[:-2]  # h² V̈
    corrected = total[1:-1] + second_difference / 12 + time_step**2 / 24 * squares[1:-1]
    return Trajectory(time_step, total, kinetic, corrected, *errors.tolist(), seconds)


def drift(energies: Tensor) -> tuple[float, float]:
    """Slope of a straight line, per 1000 steps, and its standard error."""
    parts = torch.stack([_slope(part) for part in energies[: len(energies) // 10 * 10].chunk(10)])
    # standard errors of a slope decrease with the power 3/2 of the length
    return float(_slope(energies)), float(parts.std()) / 10**1.5


def _slope(energies: Tensor) -> Tensor:
    steps = torch.arange(len(energies)) / 1000
    steps = steps - steps.mean()
    return (steps * (energies - energies.mean())).sum() / steps.square().sum()


def exponent(coarse: Trajectory, fine: Trajectory) -> float:
    """Power of the time step by which fluctuations of the total energy grow."""
    steps = torch.tensor([coarse.time_step, fine.time_step]).log()
    fluctuations = torch.stack([coarse.total.std(), fine.total.std()]).log()
    return float(fluctuations.diff() / steps.diff())


def draw(brief: list[Trajectory], long: Trajectory, n_particles: int, path: Path) -> None:
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for run in brief:
        error = (run.total - run.total.mean()) / n_particles / run.time_step**2
        left.plot(run.times, error, linewidth=0.8, label=f"h = {run.time_step:g}")
    left.set(xlabel="time", ylabel="(total energy − its mean) / h², per particle")
    left.set_title("Errors over h² coincide, while trajectories do")
    for values, times, label in (
        (long.total, long.times, "total energy"),
        (long.corrected, long.times[1:-1], "corrected to order h²"),
    ):
        error = (values - values.mean()) / n_particles
        right.plot(times, error, linewidth=0.5, label=label)
    right.set(xlabel="time", ylabel="energy − its mean, per particle")
    right.set_title(f"{len(long.total)} steps of {long.time_step:g}")
    right.ticklabel_format(axis="y", scilimits=(0, 0))
    for panel in (left, right):
        panel.legend(frameon=False, ncols=4, loc="lower center", handlelength=1, columnspacing=1)
        panel.margins(y=0.2)
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--model", type=Path, help="checkpoint (default: the exact potential)")
    add("--particles", type=int, default=128)
    add("--steps", type=int, default=20_000)
    add("--time-step", type=float, default=0.001, help="recommended time step (default: 0.001)")
    add("--figure", type=Path, help="figure of energies over time")
    add("--overwrite", action="store_true", help="replace an existing figure")
    arguments = parser.parse_args()
    if arguments.figure and arguments.figure.exists() and not arguments.overwrite:
        parser.error(f"{arguments.figure} exists; use --overwrite, or give another --figure")
    torch.set_num_threads(1)  # more threads do not help for so few particles
    torch.set_default_dtype(torch.float64)

    exact = triaxial_gay_berne(cutoff=3.0, smoothing_width=0.5)
    model = load_model(arguments.model).double() if arguments.model else exact
    model.requires_grad_(False)
    n = arguments.particles
    (fluid,) = gay_berne_fluids(n_particles=n, temperature=TEMPERATURE, n_sweeps=100)
    print(f"{n} particles, cutoff {ForceField(model).cutoff:g}, {arguments.model or 'exact'}")

    brief = []
    print(f"{'step':>8} {'fluctuation of E / N':>22} {'exponent':>10}")
    for factor in FACTORS:
        step = factor * arguments.time_step
        run = follow(ForceField(model, SKIN), start(fluid), step, round(BRIEF / step))
        power = f"{exponent(brief[-1], run):10.3f}" if brief else ""
        print(f"{step:8g} {run.total.std() / n:22.3e} {power}")
        brief.append(run)

    force_field = ForceField(model, SKIN)
    long = follow(force_field, start(fluid), arguments.time_step, arguments.steps)
    kinetic = float(long.kinetic.mean()) / n
    print(
        f"{arguments.steps} steps of {arguments.time_step:g}: {1e3 * long.seconds / arguments.steps:.2f} "
        f"ms each, {force_field.n_searches} neighbour searches, kinetic energy per particle {kinetic:.4f}"
    )
    for name, values in (("total energy", long.total), ("corrected energy", long.corrected)):
        slope, error = (x / kinetic for x in drift(values))
        print(f"drift of the {name:16}: {slope:9.1e} ± {error:.0e} of it per 1000 steps")

    cluster = fluid.clone()
    cluster.pbc = torch.zeros_like(cluster.pbc)
    run = follow(ForceField(model, SKIN), start(cluster), arguments.time_step, 2000)
    print(
        f"open cluster, 2000 steps: momentum changed by {run.momentum_error:.0e}, angular momentum "
        f"by {run.angular_momentum_error:.0e}"
    )
    if arguments.figure:
        draw(brief, long, n, arguments.figure)
        print(f"figure: {arguments.figure}")


if __name__ == "__main__":
    main()
