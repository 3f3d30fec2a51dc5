"""A file of pairs, and a configuration that trains on it in a second."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from anisoap_e3nn.data.files.extended_xyz_file import ExtendedXYZFile
from anisoap_e3nn.gay_berne import gay_berne_pairs


@pytest.fixture
def configuration(tmp_path: Path) -> dict[str, Any]:
    with ExtendedXYZFile(tmp_path / "pairs.xyz") as file:
        for pair in gay_berne_pairs(sizes=(24, 0, 0)).train:
            del pair.energy
            file.append(pair)
        file.finish()
    hyperparameters = {
        "cutoff": 4.0,
        "irreps_hidden": "2x0e + 2x1o",
        "n_layers": 1,
        "max_angular": 1,
        "max_radial": 1,
        "radial_layers": [4],
    }
    return {
        "data": {"files": [str(tmp_path / "pairs.xyz")], "block": 2, "dtype": "float64"},
        "network": {"name": "NequIPStylePotential", "hyperparameters": hyperparameters},
        "optimization": {"epochs": 3, "batch_size": 8},
        "output": str(tmp_path / "run"),
    }


def written(path: Path, configuration: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(configuration))
    return path
