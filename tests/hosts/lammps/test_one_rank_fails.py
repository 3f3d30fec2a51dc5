"""A failure of one rank alone ends all ranks, wherever the others are waiting."""

import shutil
import sys
from pathlib import Path

import pytest
from commands import ROOT, run

SECONDS = 120  # a rank that waits for one that has failed waits for ever
RUN = ["-n", "1", sys.executable, "-m", "anisoap_e3nn.cli", "lammps", "run"]
QUIET = ["--options", "-log", "none", "-screen", "none"]


@pytest.fixture(scope="module")
def folder(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one_rank") / "files"
    shutil.copytree(files, folder)
    (folder / "run.in").write_text(
        "units metal\natom_style ellipsoid\nread_data fluid.data\npair_style anisoap\n"
        "pair_coeff * * ${model} 7 3 5\nrun 0\n"
    )
    return folder


@pytest.mark.parametrize("name", ["gay_berne", "nequip"])
def test_an_evaluation_that_fails_on_one_rank_ends_all(folder: Path, name: str) -> None:
    program = str(Path(__file__).with_name("one_rank_fails.py"))
    command = ["mpirun", "-n", "2", sys.executable, program, str(folder), name]
    done = run(command, folder, seconds=SECONDS, PYTHONPATH=str(ROOT))
    assert done.returncode != 0
    assert "rank 1 alone fails" in done.stderr


GOOD = ["run.in", "--model", "metal.pt"]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (GOOD, ["run.in", "--model", "none.pt"], "no such file: none.pt"),
        (["none.in"], GOOD, "no such file: none.in"),  # which rank 0 alone reads
    ],
    ids=["model", "script"],
)
def test_a_file_that_one_rank_does_not_find_ends_all(
    folder: Path, first: list[str], second: list[str], message: str
) -> None:
    command = ["mpirun", *RUN, *first, *QUIET, ":", *RUN, *second, *QUIET]
    done = run(command, folder, seconds=SECONDS)
    assert done.returncode != 0
    assert message in done.stderr


def test_an_error_of_lammps_on_one_rank_ends_all(folder: Path) -> None:
    script = (folder / "run.in").read_text().replace("units", "processors 2 1 1\nunits")
    crowded = "change_box all x final 0 99\nneigh_modify one 10 page 100\nrun 0"  # on the left
    (folder / "crowded.in").write_text(script.replace("run 0", crowded))
    command = ["mpirun", "-n", "2", *RUN[2:], "crowded.in", "--model", "metal.pt", *QUIET]
    done = run(command, folder, seconds=SECONDS)
    assert done.returncode != 0
    assert "Neighbor list overflow" in done.stderr
