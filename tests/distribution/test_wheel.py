"""The wheel that ``make wheel`` has built, in a fresh environment on whose PATH no compiler is."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPILERS = ("cc", "gcc", "c++", "g++", "clang", "clang++", "cl", "cmake", "ninja", "make")


@pytest.fixture(scope="module")
def wheel() -> Path:
    (found,) = (ROOT / "dist").glob("*.whl")
    return found


class Environment:
    """A virtual environment, and the only folder on the PATH of what runs in it."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        self.bin = folder / "bin"
        self.folder = folder

    def run(self, *command: str) -> str:
        """Standard output of one of its commands, called in its folder."""
        kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        done = subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=self.folder,
            env=kept | {"PATH": str(self.bin), "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def install(self, *packages: str) -> None:
        """Install from wheels alone, at the versions of ``constraints.txt``."""
        self.run(
            "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--only-binary", ":all:",
            *os.environ["PIP_ARGS"].split(), "-c", str(ROOT / "constraints.txt"), *packages,
        )  # fmt: skip


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    fresh = Environment(tmp_path_factory.mktemp("fresh"))
    fresh.install("torch")
    fresh.install(f"{wheel}[ase,viz]")
    return fresh


def test_it_is_a_wheel_of_this_machine_with_licence_and_sources_of_the_pair_style(
    wheel: Path,
) -> None:
    assert re.search(r"-cp3\d+-(cp3\d+|abi3)-\w+_\w+\.whl$", wheel.name), wheel.name
    names = zipfile.ZipFile(wheel).namelist()
    (extension,) = (name for name in names if re.search(r"/_native\.\S*(so|pyd)$", name))
    assert extension.startswith("anisoap_e3nn/")
    assert "anisoap_e3nn/interop/lammps/pair_style/pair_anisoap.cpp" in names
    assert "anisoap_e3nn/interop/lammps/pair_style/CMakeLists.txt" in names
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "anisoap_e3nn",
        "anisoap_e3nn_command",
    }


def test_its_kernels_run_where_no_compiler_is(environment: Environment) -> None:
    printed = environment.run("python", "-c", f"""
import shutil, torch, anisoap_e3nn
from anisoap_e3nn import _native
from anisoap_e3nn.ops.backends import backend_for
print([name for name in {COMPILERS} if shutil.which(name)])
print(anisoap_e3nn.__file__)
print(len(_native.instruction_sets()) > 0, backend_for([torch.ones(1)]))
""")  # fmt: skip
    compilers, path, native = printed.splitlines()
    assert compilers == "[]"
    assert Path(path).is_relative_to(environment.folder)
    assert native == "True native"


def test_the_demo_runs_in_it(environment: Environment) -> None:
    printed = environment.run("python", str(ROOT / "examples/quickstart.py"))
    error = re.search(r"equivariance error.*: (\S+) \(relative\)", printed)
    assert error is not None
    assert 0 < float(error[1]) < 1e-12
    assert (environment.folder / "quickstart.png").stat().st_size > 10_000


def test_its_command_runs_in_it(environment: Environment) -> None:
    frame = environment.folder / "dimer.xyz"
    frame.write_text(
        "2\nProperties=species:S:1:pos:R:3:quaternions:R:4:semiaxes:R:3\n"
        "X 0 0 0 1 0 0 0 2.4 2.4 0.4\nX 0 0 4 0.7 0.7 0 0 2.4 2.4 0.4\n"
    )
    arguments = ["--cutoff", "7", "--max-angular", "4", "--radial-gaussian-width", "1.5"]
    environment.run("anisoap-e3nn", "featurize", str(frame), "-o", "features.npz", *arguments)
    assert (environment.folder / "features.npz").stat().st_size > 0
