"""States of dynamics in files, to continue a run exactly."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from .integrators import Dynamics

_FIELDS = ("positions", "quaternions", "momenta", "angular_momenta")


def save_state(dynamics: Dynamics, path: Path) -> None:
    """Write positions, orientations, momenta, the number of steps and the state of the random numbers.

    The file appears only when it is complete, in place of an older one.
    """
    generator: torch.Generator | None = getattr(dynamics, "generator", None)
    state: dict[str, Any] = {name: getattr(dynamics.bodies, name) for name in _FIELDS}
    state["n_steps"] = dynamics.n_steps
    if generator is not None:
        state["generator"] = generator.get_state()
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        torch.save(state, Path(folder) / path.name)
        (Path(folder) / path.name).replace(path)


def load_state(dynamics: Dynamics, path: Path) -> None:
    """Continue from a state of :func:`save_state`.

    Parameters
    ----------
    dynamics : Dynamics
        Dynamics of the same bodies as those that were saved.
    path : Path

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If the state belongs to another number of bodies.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    state = torch.load(path, weights_only=True)
    n, found = len(dynamics.bodies.positions), len(state["positions"])
    if n != found:
        raise ValueError(f"{path} has {found} bodies, expected {n}")
    for name in _FIELDS:
        setattr(dynamics.bodies, name, state[name].to(dynamics.bodies.positions))
    dynamics.n_steps = state["n_steps"]
    generator = getattr(dynamics, "generator", None)
    if generator is not None and "generator" in state:
        generator.set_state(state["generator"])
    dynamics.evaluate()
