"""Training runs: continued ones equal uninterrupted ones, and two processes equal one."""

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch

from anisoap_e3nn.potentials import StackedPotential, load_model, mechanics, read_metadata
from anisoap_e3nn.training.callbacks import SaveModels
from anisoap_e3nn.training.frames import read_split
from anisoap_e3nn.training.parsing import parse_settings
from anisoap_e3nn.training.run import train
from anisoap_e3nn.training.settings import TrainingSettings

from .conftest import written

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*LeafSpec.*", "ignore:.*triton.*", "ignore:.*fall into this hole.*"
)


def settings(tmp_path: Path, configuration: dict[str, Any], *words: str) -> TrainingSettings:
    return parse_settings(TrainingSettings, written(tmp_path / "train.yaml", configuration), words)


def curve(folder: Path) -> dict[int, float]:
    """Validation loss of each epoch, in the logs' single precision."""
    found = {}
    for path in sorted((folder / "logs").glob("*/metrics.csv")):
        for row in csv.DictReader(path.read_text().splitlines()):
            if row.get("validation"):
                found[int(row["epoch"])] = float(row["validation"])
    return found


def weights(path: Path) -> list[torch.Tensor]:
    return [x.detach() for x in load_model(path).parameters()]


class Killed(BaseException):
    """What ends a run in the middle."""


def test_a_run_that_was_killed_continues_as_if_it_had_not_been(
    tmp_path: Path, configuration: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = settings(tmp_path, configuration, f"--output={tmp_path / 'whole'}")
    model = train(whole)
    assert isinstance(model, StackedPotential)
    expected = curve(tmp_path / "whole")
    assert list(expected) == [0, 1, 2]
    assert len(set(expected.values())) == 3

    killed = settings(tmp_path, configuration)
    save = SaveModels.on_validation_end

    def kill(self: SaveModels, trainer: lightning.Trainer, module: Any) -> None:
        if trainer.current_epoch == 1:
            raise Killed
        save(self, trainer, module)

    monkeypatch.setattr(SaveModels, "on_validation_end", kill)
    with pytest.raises(Killed):
        train(killed)
    monkeypatch.setattr(SaveModels, "on_validation_end", save)
    with pytest.raises(FileExistsError, match="continue it with --resume"):
        train(killed)
    train(killed, resume=True)
    assert curve(tmp_path / "run") == expected
    for name in ("best.pt", "last.pt"):
        for a, b in zip(
            weights(tmp_path / "run" / name), weights(tmp_path / "whole" / name), strict=True
        ):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    best = read_metadata(tmp_path / "run" / "best.pt")
    assert best["validation"] == pytest.approx(min(expected.values()), rel=1e-6)
    with pytest.raises(FileNotFoundError, match="to continue"):
        train(settings(tmp_path, configuration, f"--output={tmp_path / 'none'}"), resume=True)


def test_the_model_contains_what_was_held_fixed(
    tmp_path: Path, configuration: dict[str, Any]
) -> None:
    """Its errors on the frames are those that validation names."""
    configuration["optimization"] |= {
        "epochs": 1,
        "average": 0.0,
        "patience": 1,
        "schedule": "cosine",
    }
    run = settings(tmp_path, configuration)
    model = train(run)
    frames = read_split(run.data).validation
    assert len(model.fixed) == 1
    everything = read_split(run.data).train + frames
    shares = []
    for name in ("forces", "torques"):
        errors = torch.cat([getattr(mechanics(model, x), name) - x[name] for x in frames])
        values = torch.cat([x[name].flatten() for x in everything])
        shares.append(float(errors.square().mean() / values.var(correction=0)))
    assert sum(shares) == pytest.approx(curve(tmp_path / "run")[0], rel=1e-6)


def test_two_processes_make_the_steps_of_one(tmp_path: Path, configuration: dict[str, Any]) -> None:
    """By the command, whose second process starts the command again."""
    configuration["optimization"]["epochs"] = 2
    for devices in (1, 2):
        configuration |= {"devices": devices, "output": str(tmp_path / f"of_{devices}")}
        path = written(tmp_path / "train.yaml", configuration)
        command = (sys.executable, "-m", "anisoap_e3nn.cli", "train", str(path))
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert curve(tmp_path / "of_2") == pytest.approx(curve(tmp_path / "of_1"), rel=1e-6)
    one, two = (weights(tmp_path / f"of_{n}" / "last.pt") for n in (1, 2))
    for a, b in zip(one, two, strict=True):
        # where a gradient is zero but for rounding, 1e-16, Adam divides it by 1e-8
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-8)
