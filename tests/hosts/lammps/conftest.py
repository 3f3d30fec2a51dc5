"""Files and runs that the tests share: all cases on one, two and four ranks."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import succeed
from lammps_cases import MODELS, TYPES, frames

from anisoap_e3nn.gay_berne import gay_berne_fluids
from anisoap_e3nn.interop.lammps import build_plugin
from anisoap_e3nn.potentials import save_model
from benchmarks.baselines.lammps_gay_berne import data_file

Results = Callable[[str], dict[str, Any]]


def write_files(folder: Path) -> None:
    for name, data in frames().items():
        (folder / f"{name}.data").write_text(data_file(data, TYPES))
    (liquid,) = gay_berne_fluids(n_particles=125, n_sweeps=20)
    (folder / "liquid.data").write_text(data_file(liquid, [0]))
    save_model(
        MODELS["gay_berne"], folder / "real_in_cal.pt", metadata={"units": {"energy": "cal"}}
    )
    save_model(MODELS["gay_berne"], folder / "metal.pt", metadata={"units": "metal"})


@pytest.fixture(autouse=True)
def _float64() -> Any:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Folder with the results of all cases for each number of ranks."""
    build_plugin()
    folders = {}
    for n in (1, 2, 4):
        folders[n] = tmp_path_factory.mktemp(f"ranks{n}")
        torch.set_default_dtype(torch.float64)
        write_files(folders[n])
        torch.set_default_dtype(torch.float32)
        program = str(Path(__file__).parent / "ranks.py")
        root = str(Path(__file__).parents[3])
        succeed(
            ["mpirun", "-n", str(n), sys.executable, program, str(folders[n]), str(n)],
            folders[n],
            PYTHONPATH=root,
        )
    return folders


@pytest.fixture(params=[1, 2, 4], ids=["1rank", "2ranks", "4ranks"])
def n_ranks(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def results(folders: dict[int, Path], n_ranks: int) -> Results:
    return lambda name: dict(np.load(folders[n_ranks] / f"{name}.npz"))
