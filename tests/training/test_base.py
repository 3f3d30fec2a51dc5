"""A model that is held fixed beneath a network has the units of the training."""

from pathlib import Path
from typing import Any

import pytest

from anisoap_e3nn import cli
from anisoap_e3nn.gay_berne import triaxial_gay_berne
from anisoap_e3nn.potentials import save_model

from .conftest import written

REAL = {"length": "Å", "energy": "kcal/mol"}


@pytest.mark.parametrize(
    ("of_base", "of_training", "fits"),
    [
        (REAL, REAL, True),
        ("real", REAL, True),
        ("metal", REAL, False),
        ({"length": "Å", "energy": "eV"}, REAL, False),
        ({"length": "nm", "energy": "kcal/mol"}, REAL, False),
        (None, REAL, True),
        ("metal", {}, True),
    ],
)
def test_units_of_a_base(
    configuration: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    of_base: Any,
    of_training: dict[str, str],
    fits: bool,
) -> None:
    """They are compared before the data are read, which are not there."""
    base = tmp_path / "base.pt"
    save_model(triaxial_gay_berne(4.0), base, metadata={"units": of_base} if of_base else {})
    configuration["network"]["base"] = str(base)
    configuration["units"] = of_training
    configuration["data"]["files"] = ["missing.xyz"]
    assert cli.main(["train", str(written(tmp_path / "settings.yaml", configuration))]) == 2
    message = capsys.readouterr().err
    assert ("is in the units" in message) != fits
    assert ("missing.xyz" in message) == fits
