"""The example that trains networks takes any file of ellipsoids with energies."""

import math
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("ase")
pytest.importorskip("matplotlib")

import ase
import ase.io
import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator

from anisoap_e3nn.gay_berne import gay_berne_pairs
from anisoap_e3nn.potentials import load_model

EXAMPLE = Path(__file__).parents[1] / "examples" / "train_pyg.py"


@pytest.fixture
def pairs() -> list[ase.Atoms]:
    frames = []
    for pair in gay_berne_pairs(sizes=(40, 0, 0)).train:
        atoms = ase.Atoms(["C", "H"], pair.pos.numpy())
        atoms.arrays |= {
            "c_q": pair.orientations.numpy(),
            "semiaxes": pair.semiaxes.numpy(),
            "torques": pair.torques.numpy(),
        }
        results = {"energy": float(pair.energy), "forces": pair.forces.numpy()}
        atoms.calc = SinglePointCalculator(atoms, **results)
        frames.append(atoms)
    return frames


@pytest.fixture
def train(
    tmp_path: Path, pairs: list[ase.Atoms], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """The example on these pairs."""
    monkeypatch.setenv("MPLBACKEND", "Agg")

    def run(*options: str) -> Path:
        ase.io.write(tmp_path / "pairs.xyz", pairs)
        output = tmp_path / "best.pt"
        given = ["--epochs", "2", "--batch-size", "8", "--output", str(output)]
        arguments = [str(EXAMPLE), str(tmp_path / "pairs.xyz"), *given, *options]
        monkeypatch.setattr(sys, "argv", arguments)
        runpy.run_path(str(EXAMPLE), run_name="__main__")
        return output

    return run


@pytest.mark.parametrize("options", [[], ["--model", "mace", "--spheres"]])
def test_all_targets(
    train: Callable[..., Path], capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    output = train(*options)
    printed = capsys.readouterr()
    for target in ("energy", "forces", "torques"):
        assert f"{target}: R² = " in printed.out
        assert f"{target}=" in printed.err  # beside the progress bar
    assert load_model(output).types == [1, 6]
    assert output.with_suffix(".png").stat().st_size > 10_000


def test_energies_alone(
    train: Callable[..., Path], pairs: list[ase.Atoms], capsys: pytest.CaptureFixture[str]
) -> None:
    for atoms in pairs:
        del atoms.arrays["torques"], atoms.calc.results["forces"]
    train()
    printed = capsys.readouterr().out
    assert "energy: R² = " in printed
    assert "forces" not in printed


def test_nothing_is_overwritten(train: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "best.pt").write_text("mine")
    with pytest.raises(SystemExit):
        train()
    assert (tmp_path / "best.pt").read_text() == "mine"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda atoms: atoms.calc.results.pop("energy"), "expected one or more of energy"),
        (lambda atoms: atoms.arrays.pop("torques"), "each in all or none"),
        (
            lambda atoms: np.put(atoms.calc.results["forces"], 1, math.nan),
            "expected finite numbers",
        ),
    ],
    ids=["energy", "torques", "NaN"],
)
def test_faulty_targets_are_refused_before_the_first_step(
    train: Callable[..., Path],
    pairs: list[ase.Atoms],
    tmp_path: Path,
    spoil: Callable[[ase.Atoms], object],
    message: str,
) -> None:
    spoil(pairs[-1])
    with pytest.raises(ValueError, match=message):
        train()
    assert not (tmp_path / "best.pt").exists()
