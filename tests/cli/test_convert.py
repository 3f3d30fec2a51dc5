"""The command convert."""

from pathlib import Path
from typing import Any

import ase
import ase.io
import numpy as np
import pytest
import torch

from anisoap_e3nn import EllipsoidData, cli
from anisoap_e3nn.data import read_ellipsoids
from anisoap_e3nn.data.files.extended_xyz_file import ExtendedXYZFile


def write_frames(path: Path, sizes: list[int]) -> Path:
    """A file with the columns of AniSOAP."""
    rng = np.random.default_rng(3)
    for n in sizes:
        atoms = ase.Atoms(rng.choice([1, 6], n), 6.0 * rng.random((n, 3)), cell=[6.0] * 3)
        atoms.set_array("c_q", rng.normal(size=(n, 4)))
        for k in range(3):
            atoms.set_array(f"c_diameter[{k + 1}]", 0.5 + rng.random(n))
        ase.io.write(path, atoms, format="extxyz", append=True)
    return path


def convert(*words: Any) -> int:
    return cli.main(["convert", *map(str, words)])


def test_all_fields_survive(tmp_path: Path) -> None:
    source = write_frames(tmp_path / "in.xyz", [5, 1, 6])
    assert convert(source, "-o", tmp_path / "out.xyz") == 0
    before, after = (
        read_ellipsoids(path, dtype=torch.float64) for path in (source, tmp_path / "out.xyz")
    )
    assert len(after) == 3
    for one, other in zip(before, after, strict=True):
        for name in ("pos", "orientations", "semiaxes", "types", "cell", "pbc"):
            assert torch.equal(one[name], other[name])


def test_targets_survive_and_ase_reads_them(tmp_path: Path, generator: torch.Generator) -> None:
    def rand(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    frame = EllipsoidData(
        rand(3, 3),
        rand(3, 4),
        rand(3, 3).abs(),
        torch.tensor([0, 1, 118]),
        5.0 * torch.eye(3, dtype=torch.float64),
        [True, True, False],
        energy=rand(1),
        forces=rand(3, 3),
        torques=rand(3, 3),
        stress=rand(1, 3, 3),
    )
    frame.stress = frame.stress + frame.stress.transpose(1, 2)
    with ExtendedXYZFile(tmp_path / "out.xyz") as file:
        file.append(frame)
        file.finish()
    (again,) = read_ellipsoids(tmp_path / "out.xyz", dtype=torch.float64)
    for name in ("energy", "forces", "torques", "stress", "types", "pbc"):
        torch.testing.assert_close(frame[name], again[name], rtol=0, atol=1e-15)
    atoms = ase.io.read(tmp_path / "out.xyz")
    assert atoms.get_chemical_symbols() == ["X", "H", "Og"]
    np.testing.assert_array_equal(atoms.arrays["torques"], frame.torques.numpy())
    np.testing.assert_array_equal(atoms.get_forces(), frame.forces.numpy())


def test_faulty_calls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_frames(tmp_path / "in.xyz", [2])
    assert convert(source, "-o", tmp_path / "out.npz") == 2
    assert "expected a name that ends in one of .xyz, .extxyz" in capsys.readouterr().err
    assert convert(source, "-o", source) == 2
    assert "exists already" in capsys.readouterr().err
    frame = read_ellipsoids(source)[0]
    frame.types = torch.tensor([1, 200])
    with (
        ExtendedXYZFile(tmp_path / "out.xyz") as file,
        pytest.raises(ValueError, match=r"found the types \[200\]"),
    ):
        file.append(frame)
    assert not (tmp_path / "out.xyz").exists()
