"""The learning rate over the steps of a training run, and whether a run can be continued on its course."""

import json
import math
from pathlib import Path

import torch
from torch.optim import lr_scheduler

from ..potentials import read_metadata
from .settings import OptimizationSettings, TrainingSettings

_RISE = 0.05  # share of the steps in which the learning rate of "one-cycle" goes up
_OF_THE_CHECKPOINT = {
    "network": ("name", "hyperparameters"),
    "optimization": ("optimizer", "weight_decay"),
}
_NEW_RUN = "or start a new run with another output"


def learning_rate_schedule(
    optimizer: torch.optim.Optimizer, settings: OptimizationSettings, n_steps: int
) -> lr_scheduler.LRScheduler:
    """Schedule of ``settings.schedule`` over a number of steps, 1 or more.

    Parameters
    ----------
    optimizer : Optimizer
    settings : OptimizationSettings
    n_steps : int
        Number of steps of the whole run.
    """
    if settings.schedule == "one-cycle":
        return one_cycle(optimizer, settings.learning_rate, n_steps, _RISE)
    if settings.schedule == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    return lr_scheduler.ConstantLR(optimizer, 1.0)


def one_cycle(
    optimizer: torch.optim.Optimizer, largest: float, n_steps: int, rise: float
) -> lr_scheduler.OneCycleLR:
    """Schedule that rises for a share of the steps and falls to zero.

    The peak is at step ``rise * n_steps - 1``, counted from 0. If that is 0 the first step has the largest
    learning rate, as it almost has where the peak would be before it.

    Parameters
    ----------
    optimizer : Optimizer
    largest : float
        Largest learning rate.
    n_steps : int
        Number of steps, 1 or more.
    rise : float
        Share of the steps in which the learning rate rises, between 0 and 1.
    """
    if math.isclose(rise * n_steps, 1, rel_tol=1e-9):  # torch divides by the length of the rise, 0
        rise = (1 - 1e-9) / n_steps
    return lr_scheduler.OneCycleLR(optimizer, largest, n_steps, pct_start=rise)


def refuse_other_course(checkpoint: Path, settings: TrainingSettings, n_batches: int) -> None:
    """Check that settings continue the run of a checkpoint, before any work is done for it.

    Network, optimiser and learning rate of a continued run are those of the checkpoint. Other settings would
    have no effect, or fail at the last step. A constant learning rate can be continued for any number of
    epochs.

    Parameters
    ----------
    checkpoint : Path
        ``last.ckpt`` of the run. The settings in the model ``last.pt`` beside it are compared if it is there.
    settings : TrainingSettings
    n_batches : int
        Number of steps in an epoch.

    Raises
    ------
    ValueError
        If network, optimiser, schedule, learning rate or number of steps differ from the run's.
    """
    contents = torch.load(checkpoint, map_location="cpu", weights_only=True)
    (state,), (optimizer,) = contents["lr_schedulers"], contents["optimizer_states"]
    group = optimizer["param_groups"][0]
    schedule, total = "constant", None
    for name, key in (("one-cycle", "total_steps"), ("cosine", "T_max")):
        if key in state:
            schedule, total = name, state[key]
    learning_rate = group.get("max_lr", group["initial_lr"])
    expected = {
        "optimization": {"schedule": schedule, "learning_rate": learning_rate},
        "network": {},
    }
    if (model := checkpoint.with_name("last.pt")).is_file():
        before = read_metadata(model).get("settings", {})
        for section, names in _OF_THE_CHECKPOINT.items():
            known = before.get(section, {})
            expected[section] |= {name: known[name] for name in names if name in known}
    for section, values in expected.items():
        for name, value in values.items():
            found = getattr(getattr(settings, section), name)
            if json.loads(json.dumps(found)) != value:
                raise ValueError(
                    f"{section}.{name} is {found}, expected {value} as in the run of {checkpoint}; continue "
                    f"with that, {_NEW_RUN}"
                )
    epochs = settings.optimization.epochs
    if total is not None and epochs * n_batches != total:
        mend = f"optimization.epochs={total // n_batches}"
        if total % n_batches:
            mend = "the frames, the batch size and the epochs of that run"
        raise ValueError(
            f"found {epochs * n_batches} steps ({epochs} epochs of {n_batches}), expected the {total} over "
            f"which the learning rate of {checkpoint} is laid out; continue with {mend}, {_NEW_RUN}, which "
            "can hold this run's best.pt fixed beneath its network (network.base)"
        )
