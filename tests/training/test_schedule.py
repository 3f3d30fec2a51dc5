"""The learning rate over the steps: any number of steps, and continued runs that keep to its course."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from anisoap_e3nn import cli
from anisoap_e3nn.training.schedule import learning_rate_schedule, one_cycle
from anisoap_e3nn.training.settings import OptimizationSettings

from .conftest import written

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec.*", "ignore:.*fall into this hole.*")

LARGEST = 0.01


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], LARGEST)


def course(schedule: Any, n_steps: int) -> list[float]:
    """Learning rate of each step; the schedule also moves after the last one, as in a run."""
    found = []
    for _ in range(n_steps):
        found.append(schedule.get_last_lr()[0])
        schedule.optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize("name", ["one-cycle", "cosine", "constant"])
@pytest.mark.parametrize("n_steps", range(1, 61))
def test_any_number_of_steps(name: Any, n_steps: int) -> None:
    settings = OptimizationSettings(schedule=name, learning_rate=LARGEST)
    found = course(learning_rate_schedule(optimizer(), settings, n_steps), n_steps)
    assert all(0 < x <= LARGEST * (1 + 1e-12) for x in found)
    if name == "one-cycle" and n_steps != 20:
        torchs = torch.optim.lr_scheduler.OneCycleLR(optimizer(), LARGEST, n_steps, pct_start=0.05)
        assert found == course(torchs, n_steps)
    if name == "one-cycle" and n_steps == 20:
        assert found[0] == pytest.approx(LARGEST)
        assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("n_steps", range(1, 60))
def test_peaks_at_the_first_step_up_to_rounding(n_steps: int) -> None:
    """Shares of which a number of steps is 1, or one of its neighbours among floating-point numbers."""
    for rise in (1 / n_steps, (1 - 2e-16) / n_steps, (1 + 3e-16) / n_steps):
        found = course(one_cycle(optimizer(), LARGEST, n_steps, rise), n_steps)
        if n_steps > 1:
            assert found[0] == pytest.approx(LARGEST)
            assert found == sorted(found, reverse=True)


def test_a_run_of_twenty_steps(tmp_path: Path, configuration: dict[str, Any]) -> None:
    configuration["optimization"] = {"epochs": 4, "batch_size": 4}  # of 22 frames
    assert cli.main(["train", str(written(tmp_path / "train.yaml", configuration))]) == 0
    contents = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)
    assert contents["lr_schedulers"][0]["total_steps"] == 20


CHANGES = {
    "optimization.epochs=4": r"found \d+ steps \(4 epochs of \d+\).*optimization.epochs=2",
    "optimization.epochs=1": r"found \d+ steps \(1 epochs of \d+\).*optimization.epochs=2",
    "optimization.batch_size=7": "the frames, the batch size and the epochs of that run",
    "optimization.schedule=cosine": "optimization.schedule is cosine, expected one-cycle",
    "optimization.learning_rate=0.5": "optimization.learning_rate is 0.5, expected 0.01",
    "optimization.optimizer=adamw": "optimization.optimizer is adamw, expected adam",
    "network.hyperparameters.n_layers=2": "network.hyperparameters is",
    "network.name=MACEStylePotential": "network.name is MACEStylePotential",
}


def test_continued_runs_keep_to_the_course(
    tmp_path: Path, configuration: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Other settings are refused before any work; the run stays as it is."""
    configuration["optimization"] = {"epochs": 2, "batch_size": 8}
    command = ["train", str(written(tmp_path / "train.yaml", configuration))]
    assert cli.main(command) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    for change, message in CHANGES.items():
        capsys.readouterr()
        assert cli.main([*command, "--resume", "--set", change]) == 2
        found = capsys.readouterr().err
        assert re.search(message, found), found
        assert "start a new run" in found
    assert before == {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()}
    assert cli.main([*command, "--resume"]) == 0


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_more_epochs_with_other_schedules(
    tmp_path: Path,
    configuration: dict[str, Any],
    schedule: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A cosine would go up again; a constant learning rate has no end."""
    configuration["optimization"] = {"epochs": 1, "batch_size": 8, "schedule": schedule}
    command = ["train", str(written(tmp_path / "train.yaml", configuration))]
    assert cli.main(command) == 0
    more = [*command, "--resume", "--set", "optimization.epochs=2"]
    assert cli.main(more) == (0 if schedule == "constant" else 2)
    assert ("is laid out" in capsys.readouterr().err) == (schedule == "cosine")
