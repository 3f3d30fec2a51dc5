"""The command analyse: distances that tilted cells allow, labels that tell runs apart, and its files."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from anisoap_e3nn import EllipsoidData, cli
from anisoap_e3nn.cli.labels import distinct_labels
from anisoap_e3nn.data.files.extended_xyz_file import ExtendedXYZFile

TILTED = [[20.5, 0, 0], [3, 20.5, 0], [-2.5, 4, 20.5]]


def trajectory(path: Path, cell: object = TILTED, n: int = 30, pbc: bool = True) -> str:
    """Two frames of ellipsoids at random places, which depend on the name of the folder."""
    generator = torch.Generator().manual_seed(len(path.parent.name))
    lattice = torch.tensor(cell).double()
    path.parent.mkdir(exist_ok=True)
    with ExtendedXYZFile(path) as file:
        for _ in range(2):
            points = torch.rand(n, 3, generator=generator).double() @ lattice
            orientations = torch.randn(n, 4, generator=generator).double()
            sizes = torch.tensor([[2.0, 2, 1]] * n).double()
            file.append(EllipsoidData(points, orientations, sizes, [0] * n, lattice, pbc))
        file.finish()
    return str(path)


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert cli.main(["analyse", *words]) == 2
    return " ".join(capsys.readouterr().err.split())


def test_tilted_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By default up to 0.49 of the smallest height of all frames; what is too much is named."""
    files = [trajectory(tmp_path / "large.xyz"), trajectory(tmp_path / "small.xyz", np.eye(3) * 15)]
    assert cli.main(["analyse", *files, "--json", str(tmp_path / "out.json")]) == 0
    found = json.loads((tmp_path / "out.json").read_text())
    for each in found.values():
        edge = each["distances"][-1] * 80 / 79.5
        assert edge == pytest.approx(0.49 * 15)
    message = refusal(capsys, *files, "--largest", "100")
    assert "--largest is 100.0, expected more than 0 and at most 7.5" in message
    assert "small.xyz" in message
    assert "at most 10.03" in refusal(capsys, files[0], "--largest", "10.04")
    assert cli.main(["analyse", files[0], "--largest", "10.03"]) == 0
    for word in ("0", "-1", "nan"):
        assert "--largest is" in refusal(capsys, files[0], f"--largest={word}")


def test_files_without_a_fluid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = trajectory(tmp_path / "good.xyz")
    (tmp_path / "empty.xyz").write_text("")
    message = refusal(capsys, good, str(tmp_path / "empty.xyz"))
    assert "empty.xyz: found no frames, expected one or more" in message
    message = refusal(capsys, good, trajectory(tmp_path / "open.xyz", pbc=False))
    assert "open.xyz: frame 0 is not periodic" in message
    message = refusal(capsys, good, trajectory(tmp_path / "one.xyz", n=1))
    assert "one.xyz: frame 0 has 1 particles" in message
    assert "--bins is 0" in refusal(capsys, good, "--bins", "0")
    assert "--interval is 0.0" in refusal(capsys, good, "--interval", "0")


def test_runs_of_one_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All of them are in the file, and in the table."""
    files = [trajectory(tmp_path / folder / "run.xyz") for folder in ("a", "bb")]
    output = tmp_path / "out.json"
    assert cli.main(["analyse", *files, "--json", str(output)]) == 0
    assert list(json.loads(output.read_text())) == ["a/run", "bb/run"]
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in table[1:]] == ["a/run", "bb/run"]
    message = refusal(capsys, *files, "--labels", "run", "run")
    assert "the label 'run' 2 times" in message
    assert "--labels" in message


def test_long_labels_are_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [trajectory(tmp_path / f"at_constant_temperature_{k}.xyz") for k in (1, 2)]
    assert cli.main(["analyse", *files]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1].startswith("at_constant_temperature_1 ")


@pytest.mark.parametrize(
    ("paths", "labels"),
    [
        (["run.xyz"], ["run"]),
        (["x/y/run.xyz", "x/z/run.xyz", "mapped.xyz"], ["y/run", "z/run", "mapped"]),
        (["a/x/run.xyz", "b/x/run.xyz"], ["a/x/run", "b/x/run"]),
        (["run.xyz", "run.gsd"], ["run.xyz", "run.gsd"]),
        (["run.xyz", "a/run.xyz"], ["run.xyz", "a/run"]),
        (["run.xyz", "../run.xyz", "/run.xyz"], ["run.xyz", "../run", "//run"]),
        (["run.xyz", "./run.xyz", "run.xyz"], ["run", "run (2)", "run (3)"]),
    ],
)
def test_labels_are_as_much_of_the_path_as_needed(paths: list[str], labels: list[str]) -> None:
    found = distinct_labels([Path(path) for path in paths])
    assert found == labels
