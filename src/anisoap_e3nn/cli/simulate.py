"""The command ``anisoap-e3nn simulate``."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch

from .input_frames import add_input_options, input_frames
from .printing import print_text


class Units(NamedTuple):
    """Units of a model, beside Å and u."""

    energy: str
    kelvin: float  # k_B, energy / K
    femtosecond: float  # in sqrt(u Å² / energy)


UNITS = {
    "real": Units("kcal/mol", 0.001987204259, 1 / 48.88821291),
    "metal": Units("eV", 8.617333262e-5, 1 / 10.18050570),
}


def add_simulate(commands: Any) -> None:
    """Add the command and its options to the command line."""
    command = commands.add_parser(
        "simulate",
        help="run dynamics with a model",
        description="Run rigid-body dynamics with a model from a frame, at constant temperature (Langevin) "
        "or, with --nve, constant energy after an equilibration. The masses and moments of inertia are those "
        "of the file. OUT.state continues the run. A run that blows up ends and keeps the frames it has.",
    )
    command.set_defaults(run=simulate)
    # fmt: off
    add = command.add_argument
    add("model", type=Path, metavar="MODEL.pt", help="checkpoint")
    add("input", type=Path, metavar="INPUT", help="file of ellipsoids; the run starts from its last frame")
    add("-o", "--output", type=Path, required=True, metavar="OUT.xyz", help="trajectory, extended XYZ")
    add("--restart", action="store_true", help="continue the run of OUT.state and append to OUT.xyz")
    add("--units", choices=tuple(UNITS), default="real",
        help="kcal/mol, Å and u, or eV, Å and u (%(default)s)")
    add("--temperature", type=float, required=True, metavar="K", help="in K")
    add("--time-step", type=float, default=4.0, metavar="FS", help="in fs (%(default)s)")
    add("--friction", type=float, default=1.0, metavar="1/PS", help="in 1/ps (%(default)s)")
    add("--equilibration", type=float, default=50.0, metavar="PS", help="in ps, not written (%(default)s)")
    add("--length", type=float, required=True, metavar="PS", help="in ps")
    add("--every", type=float, default=1.0, metavar="PS", help="time between frames in ps (%(default)s)")
    add("--nve", action="store_true", help="constant energy after the equilibration")
    add("--seed", type=int, default=0, help="of the random numbers (%(default)s)")
    # fmt: on
    add_input_options(command)


def simulate(options: argparse.Namespace) -> None:
    """Run dynamics and write the trajectory frame by frame."""
    from ..data.files.extended_xyz_file import ExtendedXYZFile, frame_text
    from ..data.files.output_file import refuse_output
    from ..potentials import load_model
    from ..simulation import (
        NVE,
        BlowUpWatch,
        ForceField,
        Langevin,
        RigidBodies,
        load_state,
        save_state,
    )

    refuse_output(options.output, options.restart, ExtendedXYZFile.suffixes)
    state_file, units = options.output.with_suffix(".state"), UNITS[options.units]
    _check(options)
    model = load_model(options.model).requires_grad_(False).double()
    frames = list(input_frames(options, torch.float64))
    if not frames:
        raise ValueError(f"found no frames in {options.input}, expected one or more")
    start = _without_targets(frames[-1])
    if "masses" not in start:
        raise ValueError(
            f"found no columns masses and moments in {options.input}, which dynamics need; map the "
            "trajectory with anisoap-e3nn coarse-grain"
        )
    temperature = options.temperature * units.kelvin
    step = options.time_step * units.femtosecond
    generator = torch.Generator().manual_seed(options.seed)
    bodies, force_field = RigidBodies(start), ForceField(model)
    friction = options.friction / (1000 * units.femtosecond)
    dynamics: Any = Langevin(
        force_field, bodies, step, temperature=temperature, friction=friction, generator=generator
    )
    watch, per_ps = BlowUpWatch(temperature), 1000 / options.time_step
    if options.restart:
        load_state(dynamics, state_file)
    else:
        bodies.draw_momenta(temperature, generator)
        bodies.remove_drift()
        with _ends_early(options.output):
            dynamics.run(round(options.equilibration * per_ps), watch, 10)
    if options.nve:
        bodies.remove_drift()  # which friction would end, but constant energy keeps
        n_steps, dynamics = dynamics.n_steps, NVE(force_field, bodies, step)
        dynamics.n_steps = n_steps
    temperatures, energies = [], []
    every = max(1, round(options.every * per_ps))

    def record(now: Any) -> None:
        watch(now)
        temperatures.append(float(bodies.temperature) / units.kelvin)
        energies.append(float(now.total_energy))
        if len(energies) % (every // stride) == 0:
            with options.output.open("a", encoding="utf-8") as file:
                file.write(frame_text(bodies.data))
            save_state(now, state_file)

    stride = next(k for k in range(min(10, every), 0, -1) if every % k == 0)
    with _ends_early(options.output):
        dynamics.run(round(options.length * per_ps), record, stride)
    n, t = len(bodies.positions), torch.tensor(energies, dtype=torch.float64)
    lines = [
        f"wrote        {options.output}, {len(energies) * stride // every} frames",
        f"temperature  {sum(temperatures) / max(1, len(temperatures)):.1f} K",
    ]
    if options.nve and len(energies) > 2:
        times = torch.arange(len(t), dtype=torch.float64) * stride / per_ps / 1000  # ns
        slope = float(
            ((times - times.mean()) * (t - t.mean())).sum() / (times - times.mean()).square().sum()
        )
        lines.append(
            f"energy       drift {slope / n / temperature:.3g} k_B T per particle and ns, fluctuation "
            f"{float(t.std()):.3g} {units.energy} of all {n} particles"
        )
    print_text("\n".join(lines))


@contextmanager
def _ends_early(output: Path) -> Iterator[None]:
    """Report a run that blew up, or whose forces are not finite, in one line."""
    try:
        yield
    except RuntimeError as error:
        kept = f"; {output} has the frames before" if output.exists() else ""
        raise ValueError(f"{error}{kept}") from error


def _check(options: argparse.Namespace) -> None:
    for name in ("temperature", "time_step", "length", "every"):
        if not getattr(options, name) > 0:
            word = name.replace("_", "-")
            raise ValueError(f"--{word} is {getattr(options, name)}, expected > 0")


def _without_targets(data: Any) -> Any:
    for name in ("energy", "forces", "torques", "stress"):
        if name in data:
            del data[name]
    return data
