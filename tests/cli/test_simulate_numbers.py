"""Numbers that simulate refuses, by the name of the option and in its unit."""

from pathlib import Path
from typing import Any

import pytest
import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.data import read_ellipsoids
from anisoap_e3nn.potentials import PairPotential, save_model
from simulated_fluid import run_simulate as run


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--time-step", 0], "--time-step is 0.0, expected a finite number > 0"),
        (["--length", -1], "--length is -1.0, expected a finite number > 0"),
        (["--length", "inf"], "--length is inf, expected a finite number > 0"),
        (["--temperature", "nan"], "--temperature is nan, expected a finite number > 0"),
        (["--equilibration", -3], "--equilibration is -3.0, expected a finite number ≥ 0"),
        (["--friction", -1], "--friction is -1.0, expected a finite number ≥ 0"),
        (["--seed", 2**70], "--seed is 1180591620717411303424, expected an integer"),
        (["--length", 0.4, "--every", 1], "--length is 0.4 ps, expected 1.0 ps or more"),
        (["--every", 0.001], "--every is 0.001 ps, expected 0.004 ps or more, a time step"),
        (["--restart"], "no such file"),
    ],
)
def test_mistakes(
    tmp_path: Path,
    fluid: EllipsoidData,
    words: list[Any],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(tmp_path, "out.xyz", "--length", 0.1, *words) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1
    assert not (tmp_path / "out.xyz").exists()


def test_one_frame(tmp_path: Path, fluid: EllipsoidData) -> None:
    assert run(tmp_path, "out.xyz", "--length", 0.02) == 0
    assert len(read_ellipsoids(tmp_path / "out.xyz")) == 1


def test_a_start_without_finite_forces(
    tmp_path: Path, fluid: EllipsoidData, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first evaluation is before any step."""
    model = PairPotential([0], 6.0, n_radial=6, max_degree=0).double()
    with torch.no_grad():
        model.weights.fill_(torch.inf)
    save_model(model, tmp_path / "model.pt", overwrite=True)
    assert run(tmp_path, "out.xyz", "--length", 0.1) == 2
    printed = capsys.readouterr().err
    assert "are not finite after 0 steps; use a shorter time step" in printed
    assert "found --time-step 4 fs" in printed
    assert not (tmp_path / "out.xyz").exists()
