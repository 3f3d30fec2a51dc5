"""Configurations that are refused before any work is done, and what the command prints of them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from anisoap_e3nn import cli

from .conftest import written

WRONG = [
    ({"ouput": "x"}, "unknown key 'ouput'.*did you mean 'output'"),
    ({"optimization.epoch": 3}, "unknown key 'epoch'.*did you mean 'epochs'"),
    ({"optimization.epochs": "many"}, "epochs"),
    ({"optimization.epochs": 0}, "optimization.epochs is 0, expected > 0"),
    ({"optimization.schedule": "linear"}, "schedule"),
    ({"optimization.average": 1.0}, "optimization.average is 1.0"),
    ({"optimization.weights": {"force": 1.0}}, "expected finite numbers"),
    ({"optimization.later_weights": {1: {"force": 1.0}}}, "later_weights.1. is .*expected finite"),
    ({"devices": 3}, "share evenly"),
    ({"network.name": "NequipStylePotential"}, "did you mean 'NequIPStylePotential'"),
    ({"network.hyperparameters": {"cutoff": 4.0, "n_layer": 1}}, "did you mean 'n_layers'"),
    ({"network.hyperparameters": {"n_layers": 1}}, "lacks cutoff"),
    ({"data.files": ["none.xyz"]}, "no such file: none.xyz"),
    ({"data.validation_share": 1.5}, "data.validation_share is 1.5"),
    ({"data.block": 100}, "found no frames for files"),
]


def changed(configuration: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    for key, value in changes.items():
        *path, last = key.split(".")
        place = configuration
        for name in path:
            place = place[name]
        place[last] = value
    return configuration


@pytest.mark.parametrize(("changes", "message"), WRONG, ids=[next(iter(x)) for x, _ in WRONG])
def test_wrong_configurations(
    tmp_path: Path,
    configuration: dict[str, Any],
    changes: dict[str, Any],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = written(tmp_path / "train.yaml", changed(configuration, changes))
    assert cli.main(["train", str(path)]) == 2
    found = capsys.readouterr().err
    assert re.search(message, found), found
    assert not (tmp_path / "run").exists()


def test_all_settings_are_printed(
    tmp_path: Path, configuration: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """With defaults and what takes precedence; the text is a configuration itself."""
    path = written(tmp_path / "train.yaml", configuration)
    words = ["--set", "optimization.learning_rate=1e-3", "--print-config"]
    assert cli.main(["train", str(path), *words]) == 0
    printed = yaml.safe_load(text := capsys.readouterr().out)
    assert printed["optimization"]["learning_rate"] == 1e-3
    assert printed["optimization"]["schedule"] == "one-cycle"
    assert printed["data"]["files"] == configuration["data"]["files"]
    (tmp_path / "again.yaml").write_text(text)
    assert cli.main(["train", str(tmp_path / "again.yaml"), "--print-config"]) == 0
    assert capsys.readouterr().out == text


@pytest.mark.parametrize(
    ("text", "message"), [("[", "is no YAML"), ("3", "expected a mapping"), (None, "no such file")]
)
def test_files_that_are_no_configurations(
    tmp_path: Path, text: str | None, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / "fit.yaml").write_text(text)
    assert cli.main(["fit", str(tmp_path / "fit.yaml")]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:.*fall into this hole.*")  # few pairs
def test_a_linear_fit(
    tmp_path: Path, configuration: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    from anisoap_e3nn.potentials import PairPotential, StackedPotential, load_model, read_metadata

    pair = {"name": "PairPotential", "cutoff": 4.0, "n_radial": 4, "max_degree": 1}
    output = tmp_path / "pair.pt"
    fit = {"data": configuration["data"], "components": [pair], "output": str(output)}
    fit["units"] = {"energy": "epsilon"}
    path = str(written(tmp_path / "fit.yaml", fit))
    assert cli.main(["fit", path]) == 0
    printed = capsys.readouterr().out
    assert "forces" in printed
    assert "deepest dimer" in printed
    model = load_model(output)
    assert isinstance(model, StackedPotential)
    assert isinstance(model.components[0], PairPotential)
    assert model.components[0].hyperparameters["smallest_gap"] < 0.5
    assert len(model.fixed) == 1
    metadata = read_metadata(output)
    assert metadata["units"] == {"energy": "epsilon"}
    assert len(metadata["types"]["0"]["semiaxes"]) == 3
    assert cli.main(["fit", path]) == 2
    assert "exists already" in capsys.readouterr().err
    for wrong, message in (
        ([{"name": "PairPotentail", "cutoff": 4.0}], "did you mean 'PairPotential'"),
        ([{"name": "PairPotential"}], "lacks cutoff"),
        ([{"cutoff": 4.0}], "expected a name"),
        ([{"name": "PairPotential", "cutoff": -4.0}], "cutoff"),
    ):
        path = str(written(tmp_path / "fit.yaml", {**fit, "components": wrong}))
        assert cli.main(["fit", path, "--overwrite"]) == 2
        assert message in capsys.readouterr().err


def test_densities_that_settings_leave_open(configuration: dict[str, Any]) -> None:
    """They are those that the frames suggest; who gives one of their arguments gives all."""
    from anisoap_e3nn.nn import suggest_hyperparameters
    from anisoap_e3nn.training.components import build_stack
    from anisoap_e3nn.training.frames import read_split
    from anisoap_e3nn.training.settings import DataSettings, FitSettings

    data = DataSettings(**configuration["data"])
    frames = read_split(data).train
    components = [{"name": "ManyBodyPotential", "cutoff": 3.0}]
    components.append({**components[0], "max_angular": 2})
    stack, reasons = build_stack(FitSettings(data, components), [0], frames)
    suggested, reason = suggest_hyperparameters(frames, 3.0)
    assert reasons == [f"components[0]: {reason}"]
    first, second, _ = stack.components  # and the repulsion
    assert {k: first.hyperparameters[k] for k in suggested} == suggested
    assert second.hyperparameters["max_angular"] == 2
    assert second.hyperparameters["density_width"] != suggested["density_width"]


@pytest.mark.filterwarnings("ignore:.*fall into this hole.*")  # few pairs
def test_a_fit_says_why_densities_are_what_they_are(
    tmp_path: Path,
    configuration: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from anisoap_e3nn.nn import Suggestion
    from anisoap_e3nn.training import components

    small = Suggestion({"max_angular": 1, "max_radial": 0}, "since this is a test")
    monkeypatch.setattr(components, "suggest_hyperparameters", lambda frames, cutoff: small)
    fit = {"data": configuration["data"], "output": str(tmp_path / "fitted.pt")}
    fit["components"] = [{"name": "ManyBodyPotential", "cutoff": 3.0}]
    assert cli.main(["fit", str(written(tmp_path / "fit.yaml", fit))]) == 0
    assert "components[0]: since this is a test" in capsys.readouterr().out
