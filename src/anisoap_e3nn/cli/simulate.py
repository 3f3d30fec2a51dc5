"""The command ``anisoap-e3nn simulate``."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..arguments import integer, not_negative, positive
from .input_frames import add_input_options, input_frames
from .model_units import UNITS, Units, units_of_model
from .printing import print_text
from .signals import telling

if TYPE_CHECKING:
    from .trajectory import Trajectory


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
    either = command.add_mutually_exclusive_group().add_argument
    either("--overwrite", action="store_true", help="replace OUT.xyz and OUT.state if they exist")
    either("--restart", action="store_true", help="continue the run of OUT.state and append to OUT.xyz")
    add("--units", choices=tuple(UNITS),
        help="kcal/mol, Å and u, or eV, Å and u (default: as in the checkpoint, else real)")
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
    from ..potentials import load_model
    from .trajectory import Trajectory

    n_steps, every = _steps(options)
    trajectory = Trajectory(options.output, options.restart, options.overwrite)
    model = load_model(options.model).requires_grad_(False).double()
    units, start = units_of_model(options.model, options.units), _start(options)
    with telling(lambda: trajectory.kept), _ends_early(options, units, trajectory):
        lines = _run(options, model, start, units, trajectory, n_steps, every)
    print_text("\n".join(lines))


def _run(
    options: argparse.Namespace,
    model: torch.nn.Module,
    start: Any,
    units: Units,
    trajectory: "Trajectory",
    n_steps: int,
    every: int,
) -> list[str]:
    """Equilibrate or continue, run, and say what was found."""
    from ..simulation import NVE, BlowUpWatch, ForceField, Langevin, RigidBodies

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
        trajectory.resume(dynamics)
    else:
        bodies.draw_momenta(temperature, generator)
        bodies.remove_drift()
        dynamics.run(round(options.equilibration * per_ps), watch, 10)
    if options.nve:
        bodies.remove_drift()  # which friction would end, but constant energy keeps
        n_before, dynamics = dynamics.n_steps, NVE(force_field, bodies, step)
        dynamics.n_steps = n_before
    temperatures, energies = [], []

    def record(now: Any) -> None:
        watch(now)
        temperatures.append(float(bodies.temperature) / units.kelvin)
        energies.append(float(now.total_energy))
        if len(energies) % (every // stride) == 0:
            trajectory.append(now)

    stride = next(k for k in range(min(10, every), 0, -1) if every % k == 0)
    dynamics.run(n_steps, record, stride)
    n, t = len(bodies.positions), torch.tensor(energies, dtype=torch.float64)
    lines = [
        f"wrote        {options.output}, {trajectory.n_frames} frames",
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
    return lines


@contextmanager
def _ends_early(
    options: argparse.Namespace, units: Units, trajectory: "Trajectory"
) -> Iterator[None]:
    """Report a run that blew up, or whose forces are not finite, in one line and the user's units."""
    from ..simulation import BlowUpError

    time_step = f"--time-step {options.time_step:g} fs"
    try:
        yield
    except RuntimeError as error:
        message = f"{error}; found {time_step}"
        if isinstance(error, BlowUpError):
            found, expected = error.temperature / units.kelvin, error.expected / units.kelvin
            message = error.words(
                f"the temperature is {found:.4g} K, expected about {expected:.4g} K", time_step
            )
        kept = f"; {options.output} has the frames before" if trajectory.has_frames else ""
        raise ValueError(message + kept) from error


def _steps(options: argparse.Namespace) -> tuple[int, int]:
    """Number of steps, and of those between frames; refuses numbers that are out of range."""
    for name in ("temperature", "time-step", "length", "every"):
        positive(f"--{name}", getattr(options, name.replace("-", "_")))
    for name in ("friction", "equilibration"):
        not_negative(f"--{name}", getattr(options, name))
    integer("--seed", options.seed)
    if options.every * 1000 < options.time_step:
        raise ValueError(
            f"--every is {options.every} ps, expected {options.time_step / 1000:g} ps or more, a time step"
        )
    per_ps = 1000 / options.time_step
    n_steps, every = round(options.length * per_ps), round(options.every * per_ps)
    if n_steps < every:
        raise ValueError(
            f"--length is {options.length} ps, expected {options.every} ps or more, the time between frames; "
            "give a longer --length or a shorter --every"
        )
    return n_steps, every


def _start(options: argparse.Namespace) -> Any:
    """Last frame of the input, without targets."""
    frames = list(input_frames(options, torch.float64))
    if not frames:
        raise ValueError(f"found no frames in {options.input}, expected one or more")
    start: Any = frames[-1]
    if "masses" not in start:
        raise ValueError(
            f"found no columns masses and moments in {options.input}, which dynamics need; map the "
            "trajectory with anisoap-e3nn coarse-grain"
        )
    for name in ("energy", "forces", "torques", "stress"):
        if name in start:
            del start[name]
    return start
