"""The commands simulate, evaluate and analyse on a small fluid."""

import json
from pathlib import Path

import pytest
import torch

from anisoap_e3nn import EllipsoidData, cli
from anisoap_e3nn.data import read_ellipsoids
from anisoap_e3nn.potentials import PairPotential, save_model
from anisoap_e3nn.simulation import BlowUpError, BlowUpWatch, ForceField, Langevin, RigidBodies
from simulated_fluid import run_simulate as run


def test_a_continued_run_is_the_run(tmp_path: Path, fluid: EllipsoidData) -> None:
    assert run(tmp_path, "whole.xyz", "--length", 0.12) == 0
    assert run(tmp_path, "parts.xyz", "--length", 0.06) == 0
    assert run(tmp_path, "parts.xyz", "--length", 0.06, "--restart") == 0
    whole, parts = (
        read_ellipsoids(tmp_path / name, dtype=torch.float64) for name in ("whole.xyz", "parts.xyz")
    )
    assert len(whole) == len(parts) == 6
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one.pos, other.pos, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(one.orientations, other.orientations, rtol=1e-12, atol=1e-12)
    assert torch.equal(whole[0].moments, fluid.moments)


def test_constant_energy(
    tmp_path: Path, fluid: EllipsoidData, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "nve.xyz", "--length", 0.1, "--nve", "--time-step", 1) == 0
    printed = capsys.readouterr().out
    assert "5 frames" in printed
    assert "drift" in printed


def test_runs_that_blow_up_end_with_the_step_and_the_pair(
    tmp_path: Path, fluid: EllipsoidData, capsys: pytest.CaptureFixture[str]
) -> None:
    """Attraction without end, and a callback that is too hot from the first step."""
    hole = PairPotential([0], 6.0, n_radial=6, max_degree=0).double()
    with torch.no_grad():
        hole.weights[-1] = -50.0
    save_model(hole, tmp_path / "model.pt", overwrite=True)
    assert run(tmp_path, "hole.xyz", "--length", 5) == 2
    found = capsys.readouterr().err
    assert "the run blew up at step" in found
    assert "nearest neighbour" in found
    assert "K, expected about 300 K;" in found
    assert "--time-step 4 fs is too long" in found
    bodies = RigidBodies(fluid)
    bodies.draw_momenta(10.0, torch.Generator().manual_seed(0))
    bodies.momenta[3] *= 30
    dynamics = Langevin(
        ForceField(hole.requires_grad_(False)), bodies, 0.01, temperature=0.6, friction=0.0
    )
    with pytest.raises(BlowUpError, match="particle 3 is the hottest"):
        BlowUpWatch(0.6)(dynamics)
    BlowUpWatch(1e6)(dynamics)


def test_evaluation_and_structure(
    tmp_path: Path, fluid: EllipsoidData, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--json", str(tmp_path / "e.json"), "--figure", str(tmp_path / "e.png")]
    files = [str(tmp_path / "model.pt"), str(tmp_path / "start.xyz")]
    assert cli.main(["evaluate", *files, *words, "--ignore-energies"]) == 0
    printed = capsys.readouterr().out
    assert "forces" in printed
    assert "energy" not in printed
    errors = json.loads((tmp_path / "e.json").read_text())["errors"]
    assert errors[0]["rmse"] == pytest.approx(0, abs=1e-6)
    assert (tmp_path / "e.png").stat().st_size > 1000
    words = ["--json", str(tmp_path / "s.json"), "--figure", str(tmp_path / "s.png")]
    assert cli.main(["analyse", files[1], files[1], *words]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 3
    assert "0.0000" in printed[2]
    assert (tmp_path / "s.png").stat().st_size > 1000
    assert cli.main(["analyse", files[1], "--labels", "a", "b"]) == 2
    assert "2 labels for 1 trajectories" in capsys.readouterr().err
