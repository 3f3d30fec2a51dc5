"""States of dynamics in files, to continue a run exactly."""

from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from tempfile import TemporaryDirectory
from typing import Any, cast
from zipfile import BadZipFile, ZipFile

import torch
from torch import Tensor

from .integrators import Dynamics

_FIELDS = {"positions": 3, "quaternions": 4, "momenta": 3, "angular_momenta": 3}  # widths


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
        If the file is no state or damaged, or the state belongs to another number of bodies. The dynamics
        are as before.
    """
    state = _read(path)
    n, found = len(dynamics.bodies.positions), len(state["positions"])
    if n != found:
        raise ValueError(f"{path} has {found} bodies, expected {n}")
    generator = getattr(dynamics, "generator", None)
    if generator is not None and "generator" in state:
        if state["generator"].shape != generator.get_state().shape:
            raise ValueError(
                f"{path} has the state of other random numbers, expected those of {generator.device}"
            )
        generator.set_state(state["generator"])
    for name in _FIELDS:
        setattr(dynamics.bodies, name, state[name].to(dynamics.bodies.positions))
    dynamics.n_steps = state["n_steps"]
    dynamics.evaluate()


def _read(path: Path) -> dict[str, Any]:
    """The state of a file, with all its parts of the right kind."""
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    file = path.read_bytes()  # errors of the disk name the path
    expected = "expected a file of save_state, which simulate writes beside its trajectory"
    try:
        with ZipFile(BytesIO(file)) as archive:
            damaged = archive.testzip()  # torch does not look at the checksums
        state = None if damaged else torch.load(BytesIO(file), weights_only=True)
    except (BadZipFile, UnpicklingError, RuntimeError, EOFError, NotImplementedError) as error:
        raise ValueError(f"{path} is not a state of dynamics, or damaged; {expected}") from error
    if damaged:
        raise ValueError(
            f"{path} is damaged: the checksum of its record {damaged!r} is wrong; {expected}"
        )
    if not _is_state(state):
        raise ValueError(f"{path} is not a state of dynamics; {expected}")
    return cast("dict[str, Any]", state)


def _is_state(state: Any) -> bool:
    if not isinstance(state, dict) or not isinstance(state.get("n_steps"), int):
        return False
    values = [state.get(name) for name in _FIELDS]
    if not all(isinstance(x, Tensor) and x.is_floating_point() for x in values):
        return False
    n = values[0].shape[:1]  # type: ignore[union-attr]
    shapes = [(*n, width) for width in _FIELDS.values()]
    if [tuple(x.shape) for x in values] != shapes:  # type: ignore[union-attr]
        return False
    random = state.get("generator", torch.Generator().get_state())
    return isinstance(random, Tensor) and random.dtype == torch.uint8
