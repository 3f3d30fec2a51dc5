"""Units of simulate: those of the checkpoint, and a word where it has none."""

from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.constants import N_A, calorie, elementary_charge

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.data import read_ellipsoids
from anisoap_e3nn.potentials import SurfaceRepulsion, save_model
from simulated_fluid import run_simulate as run

KCAL = 1000 * calorie / N_A / elementary_charge  # in eV
LENGTH = ("--length", 0.04)


def save(folder: Path, energy: float, units: Any) -> None:
    """Save the repulsion of the fluid, 0.5 kcal/mol strong, in a unit of energy."""
    model = SurfaceRepulsion([0], 6.0, strength=0.5 * energy, decay_length=0.5).double()
    metadata = {} if units is None else {"units": units}
    save_model(model, folder / "model.pt", overwrite=True, metadata=metadata)


@pytest.mark.parametrize(
    "units", ["metal", {"length": "Å", "energy": "eV"}, {"length": "angstrom", "energy": "eV"}]
)
def test_dynamics_do_not_depend_on_the_unit(
    tmp_path: Path, fluid: EllipsoidData, units: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path, 1, {"length": "Å", "energy": "kcal/mol"})
    assert run(tmp_path, "kcal.xyz", *LENGTH) == 0
    save(tmp_path, KCAL, units)
    for name, words in {"eV.xyz": (), "metal.xyz": ("--units", "metal")}.items():
        assert run(tmp_path, name, *LENGTH, *words) == 0
        for one, other in zip(
            *(read_ellipsoids(tmp_path / x, dtype=torch.float64) for x in ("kcal.xyz", name)),
            strict=True,
        ):
            torch.testing.assert_close(one.pos, other.pos, rtol=1e-6, atol=1e-6)
            torch.testing.assert_close(one.orientations, other.orientations, rtol=1e-6, atol=1e-6)
    assert "units" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("units", "words", "message"),
    [
        ("metal", ["--units", "real"], "found --units real, expected metal, since"),
        ({"length": "Å", "energy": "kcal/mol"}, ["--units", "metal"], "expected real, since"),
        ({"length": "Å", "energy": "kJ/mol"}, [], "'energy': 'kJ/mol'} in"),
        ({"length": "Å", "energy": "kJ/mol"}, ["--units", "real"], "'energy': 'kJ/mol'} in"),
        ({"length": "nm", "energy": "eV"}, [], "expected kcal/mol and Å or eV and Å; fit"),
        ({"length": "Å"}, [], "expected kcal/mol and Å or eV and Å; fit"),
        ("lj", [], "found the units lj in"),
        (["Å", "eV"], [], "found the units ['Å', 'eV'] in"),
    ],
)
def test_other_units(
    tmp_path: Path,
    fluid: EllipsoidData,
    units: Any,
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save(tmp_path, 1, units)
    assert run(tmp_path, "out.xyz", *LENGTH, *words) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert "model.pt" in printed
    assert not (tmp_path / "out.xyz").exists()


@pytest.mark.parametrize(("words", "lines"), [([], 1), (["--units", "real"], 0)])
def test_without_units(
    tmp_path: Path,
    fluid: EllipsoidData,
    words: list[str],
    lines: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save(tmp_path, 1, None)
    assert run(tmp_path, "out.xyz", *LENGTH, *words) == 0
    printed = capsys.readouterr().err
    assert printed.count("found no units in") == printed.count("\n") == lines
    assert ("kcal/mol" in printed) == (lines == 1)
