"""Frames in files, and what ``anisoap-e3nn featurize`` makes of them."""

import ase.build
import ase.io
import numpy as np
import pytest
import torch

from anisoap_e3nn import cli

EXPANSION = ["--cutoff", "4", "--max-angular", "3", "--radial-gaussian-width", "1.5"]
HYPERPARAMETERS = {"cutoff": 4.0, "max_angular": 3, "radial_gaussian_width": 1.5}


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def write_frames(path, sizes, seed=3, box=6.0, **more):
    rng = np.random.default_rng(seed)
    for n in sizes:
        atoms = ase.Atoms(rng.choice([1, 6], n), box * rng.random((n, 3)), cell=[box] * 3)
        atoms.pbc = bool(n % 2)
        atoms.set_array("c_q", rng.normal(size=(n, 4)))
        for k in range(3):
            atoms.set_array(f"c_diameter[{k + 1}]", 0.5 + rng.random(n))
        ase.io.write(path, atoms, format="extxyz", append=True, **more)
    return path


@pytest.fixture
def source(tmp_path):
    return write_frames(tmp_path / "in.xyz", [5, 8, 1, 6, 7])


def run(capsys, *words):
    code = cli.main(["featurize", *map(str, words)])
    return code, capsys.readouterr()


def load(path):
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    entries = torch.load(path, weights_only=True)
    return {k: v.numpy() if isinstance(v, torch.Tensor) else v for k, v in entries.items()}


def leftovers(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]
