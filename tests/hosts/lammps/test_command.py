"""``anisoap-e3nn lammps run`` on the script of the example, alone and under mpirun."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, run, succeed

BIN = Path(sys.executable).parent  # with lmp, which mpirun looks for
COMMAND = [sys.executable, "-m", "anisoap_e3nn.cli", "lammps"]
QUIET = ["--options", "-log", "none"]
RUN = [*COMMAND, "run", "fluid.in", "--model"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example")
    program = str(ROOT / "examples" / "lammps" / "make_fluid.py")
    succeed([sys.executable, program, str(folder)], folder)
    done = run([*COMMAND, "build"], folder)
    assert Path(done.stdout.strip()).is_file(), done.stderr
    return folder


def logged(text: str) -> np.ndarray:
    """Rows of the thermodynamic output."""
    lines = [line.split() for line in text.splitlines()]
    rows = [line for line in lines if len(line) == 6 and line[0].isdecimal()]
    return np.array(rows, dtype=float)


def test_example_conserves_energy_on_any_number_of_ranks(folder: Path) -> None:
    one = logged(succeed([*RUN, "gay_berne.pt", *QUIET], folder))
    two = logged(succeed(["mpirun", "-n", "2", *RUN, "gay_berne.pt", *QUIET], folder))
    np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-5)
    assert one.shape == (12, 6)
    total, kinetic_scale = one[6:, 5], 125 * 3
    assert np.ptp(total) < 1e-4 * kinetic_scale


@pytest.fixture(scope="module")
def package(folder: Path) -> str:
    """Name of the compiled model in that folder."""
    succeed([*COMMAND[:-1], "export", "gay_berne.pt", "-o", "gay_berne.pt2", "--overwrite"], folder)
    return "gay_berne.pt2"


@pytest.mark.usefixtures("package")
def test_compiled_example_is_the_same_motion(folder: Path) -> None:
    plugin = run([*COMMAND, "build"], folder).stdout.strip()
    program = ["lmp", "-in", "compiled.in", "-var", "plugin", plugin, "-log", "none"]
    expected = logged(succeed([*RUN, "gay_berne.pt", *QUIET], folder))
    for command in (program, ["mpirun", "-n", "2", *program]):
        found = logged(succeed(command, folder, PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}"))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_refusals_end_all_ranks_with_one_message(folder: Path) -> None:
    done = run(["mpirun", "-n", "2", *RUN, "nothing.pt", *QUIET], folder)
    assert done.returncode != 0
    assert done.stderr.count("no such file: nothing.pt") == 1


def test_a_name_with_spaces_is_one_word(folder: Path) -> None:
    shutil.copy(folder / "gay_berne.pt", folder / "my model.pt")
    script = (folder / "fluid.in").read_text().partition("velocity")[0]
    (folder / "short.in").write_text(script + "run 0\n")
    output = succeed([*COMMAND, "run", "short.in", "--model", "my model.pt", *QUIET], folder)
    assert logged(output).shape == (1, 6)


def test_a_compiled_model_is_for_the_other_style(folder: Path, package: str) -> None:
    done = run([*RUN, package, *QUIET], folder)
    assert done.returncode == 2
    assert f"{package} is a compiled package, for pair_style anisoap/torch" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_a_run_of_a_kernel(folder: Path, number: signal.Signals) -> None:
    """Its steps do not come back to Python, whose handlers would wait for it."""
    script = (folder / "fluid.in").read_text().replace("run 500", "run 100000000")
    (folder / "long.in").write_text(script)
    with subprocess.Popen(
        [*COMMAND, "run", "long.in", "--model", "gay_berne.pt", *QUIET],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        # what is started in the background inherits that interrupts are ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        while "Step" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(number)
        try:
            process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == -number


def test_a_folder_without_headers_is_refused_and_the_plugin_kept(folder: Path) -> None:
    done = run([*COMMAND, "build", "--lammps-dir", str(folder)], folder)
    assert done.returncode == 2
    assert "the plugin cannot be built" in done.stderr
    assert "LAMMPS_HEADERS" in done.stderr
    assert Path(run([*COMMAND, "build"], folder).stdout.strip()).is_file()
