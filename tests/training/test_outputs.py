"""Outputs of fit and train that cannot be written are refused before the data are read."""

import os
from pathlib import Path
from typing import Any

import pytest

from anisoap_e3nn import cli

from .conftest import written


def refusal(
    command: str,
    configuration: dict[str, Any],
    tmp_path: Path,
    output: Path,
    capsys: pytest.CaptureFixture[str],
) -> str:
    """The message for an output, with data that do not exist."""
    configuration["data"]["files"] = ["missing.xyz"]
    configuration["output"] = str(output)
    if command == "fit":
        configuration = {k: configuration[k] for k in ("data", "output")}
        configuration["components"] = [{"name": "PairPotential", "cutoff": 4.0}]
    assert cli.main([command, str(written(tmp_path / "settings.yaml", configuration))]) == 2
    return capsys.readouterr().err


FAULTS = [
    ("fit", "nofolder/fitted.pt", "there is no folder"),
    ("fit", "a_file/fitted.pt", "there is no folder"),
    ("fit", ".", "is a folder, expected a file"),
    ("fit", "a_file", "exists already; use --overwrite"),
    ("train", "a_file", "is a file, expected a folder"),
    ("train", "a_file/in/run", "is a file, expected a folder"),
]


@pytest.mark.parametrize(("command", "output", "message"), FAULTS)
def test_wrong_outputs(
    tmp_path: Path,
    configuration: dict[str, Any],
    command: str,
    output: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "a_file").write_text("precious")
    found = refusal(command, configuration, tmp_path, tmp_path / output, capsys)
    assert message in found
    assert "missing.xyz" not in found
    assert (tmp_path / "a_file").read_text() == "precious"


@pytest.mark.parametrize("command", ["fit", "train"])
def test_folders_that_cannot_be_written_to(
    tmp_path: Path,
    configuration: dict[str, Any],
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By what the system says, since tests may run as root, who can write everywhere."""
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    found = refusal(command, configuration, tmp_path, tmp_path / "run", capsys)
    assert f"the folder {tmp_path} cannot be written to" in found


def test_folders_of_runs_are_made(
    tmp_path: Path, configuration: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that does not exist yet is none of the faults, with those around it."""
    found = refusal("train", configuration, tmp_path, tmp_path / "new" / "run", capsys)
    assert "no such file: missing.xyz" in found
    assert not (tmp_path / "new").exists()
