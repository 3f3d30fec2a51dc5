"""Files and runs that the tests share: all cases on one, two and four ranks."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from launch import run_ranks, write_files

from anisoap_e3nn.interop.lammps import build_plugin

Results = Callable[[str], dict[str, Any]]


@pytest.fixture(autouse=True)
def _float64() -> Any:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the files of all cases, to be copied."""
    build_plugin()
    folder = tmp_path_factory.mktemp("files")
    write_files(folder)
    return folder


@pytest.fixture(scope="session")
def folders(files: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Folder with the results of all cases for each number of ranks."""
    folders = {n: tmp_path_factory.mktemp("ranks") / str(n) for n in (1, 2, 4)}
    for n, folder in folders.items():
        shutil.copytree(files, folder)
        run_ranks(n, folder)
    return folders


@pytest.fixture(params=[1, 2, 4], ids=["1rank", "2ranks", "4ranks"])
def n_ranks(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def results(folders: dict[int, Path], n_ranks: int) -> Results:
    return lambda name: dict(np.load(folders[n_ranks] / f"{name}.npz"))
