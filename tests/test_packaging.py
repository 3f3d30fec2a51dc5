"""What is installed: with a compiler, without one, and with nothing imported before it is needed."""

import os
import pkgutil
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import anisoap_e3nn

ROOT = Path(__file__).parents[1]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()


def build_wheel(folder: Path, **environment: str) -> zipfile.ZipFile:
    command = [
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
        f"--config-settings=build-dir={folder / 'build'}", "--wheel-dir", str(folder), str(ROOT),
    ]  # fmt: skip
    subprocess.run(command, check=True, env=os.environ | environment, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel)


@pytest.mark.slow
def test_without_a_compiler_a_pure_wheel_is_built(tmp_path: Path) -> None:
    with build_wheel(tmp_path, CXX="/nonexistent/compiler") as wheel:
        assert wheel.filename is not None
        assert wheel.filename.endswith("-py3-none-any.whl")
        assert "anisoap_e3nn/nn/embedding.py" in wheel.namelist()
        assert "anisoap_e3nn/py.typed" in wheel.namelist()
        assert not [name for name in wheel.namelist() if name.endswith(".so")]
        wheel.extractall(tmp_path / "installed")
    script = """
import warnings, torch
from anisoap_e3nn import AniSOAPEmbedding
embedding = AniSOAPEmbedding([0], 4.0, 2, radial_gaussian_width=1.0)
inputs = (torch.ones(2, 3), torch.tensor([[0, 1], [1, 0]]), torch.zeros(2).long(),
          torch.eye(3).expand(2, 3, 3), torch.ones(2, 3))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    with torch.no_grad():
        x = embedding(*inputs), embedding(*inputs)
    assert torch.isfinite(x[0]).all() and x[0].any()
print([str(w.message) for w in caught if "torch backend" in str(w.message)])
"""
    # -S: no import hook of an editable install, which would find the extension after all
    path = os.pathsep.join([str(tmp_path / "installed"), sysconfig.get_path("purelib")])
    run = subprocess.run(
        [sys.executable, "-S", "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    (message,) = eval(run.stdout)  # once, though called twice
    assert "Reinstall with a C++17 compiler" in message


def test_the_source_distribution_has_all_that_a_build_and_the_tests_need(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--sdist",
        "--outdir",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as members:
        names = {name.partition("/")[2] for name in members.getnames()}
    built = (".so", ".pyd", ".pyc")
    for folder in ("src", "tests", "examples"):
        files = {path for path in (ROOT / folder).rglob("*") if path.is_file()}
        here = {str(path.relative_to(ROOT)) for path in files if path.suffix not in built}
        assert len(here) > 10
        assert not here - names
    needed = {
        "CMakeLists.txt",
        "pyproject.toml",
        "LICENSE",
        "README.md",
        "Makefile",
        "constraints.txt",
    }
    assert not needed - names
    assert {
        "src/csrc/module.cpp",
        "src/anisoap_e3nn/interop/lammps/pair_style/pair_anisoap.cpp",
        "examples/benzene/liquid.npz",
    } <= names
    stray = [name for name in names if name.endswith(built) or name.startswith((".venv", "build/"))]
    assert not stray


def test_heavy_packages_wait_until_they_are_needed() -> None:
    # not ASE among them: vesin imports it where it is installed
    script = (
        "import sys, anisoap_e3nn, anisoap_e3nn.data, anisoap_e3nn.cli; "
        "print([m for m in ('torch_geometric', 'gsd', 'matplotlib') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "[]"


def test_version_is_the_same_everywhere() -> None:
    version = f'version = "{anisoap_e3nn.__version__}"'
    assert version in (ROOT / "pyproject.toml").read_text()
    assert f"version: {anisoap_e3nn.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    latest = re.search(r"^## \[(.+)\] - \d{4}-\d\d-\d\d$", CHANGELOG, re.MULTILINE)
    assert latest is not None
    assert latest[1] == anisoap_e3nn.__version__


def test_the_changelog_says_where_names_have_moved() -> None:
    moves = re.findall(r"\| `(anisoap_e3nn[\w.]+)` \| `(anisoap_e3nn[\w.]+)` \|", CHANGELOG)
    assert len(moves) > 30
    for old, new in moves:
        assert pkgutil.resolve_name(new) is not None
        with pytest.raises((ImportError, AttributeError)):
            pkgutil.resolve_name(old)


def test_the_public_names_are_there() -> None:
    for name in anisoap_e3nn.__all__:
        assert getattr(anisoap_e3nn, name) is not None
    assert set(anisoap_e3nn.__all__) <= set(dir(anisoap_e3nn))
    with pytest.raises(AttributeError, match="Ellipsoid"):
        _ = anisoap_e3nn.Ellipsoid


def test_the_lowest_versions_that_are_tested_are_those_allowed() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    pinned = dict(
        re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints-lowest.txt").read_text(), re.M)
    )
    allowed = dict(re.findall(r'"([\w-]+)(?:\[\w+\])?>=([\w.]+)"', pyproject))
    assert len(pinned) > 15

    def numbers(version: str) -> list[int]:
        """Of a version, without zeros at its end."""
        return [int(part) for part in re.sub(r"(\.0)+$", "", version).split(".")]

    for name, version in pinned.items():
        assert numbers(version) == numbers(allowed[name]), name
    dependencies = re.search(r"^dependencies = \[$(.*?)^\]$", pyproject, re.M | re.S)
    assert dependencies is not None
    assert set(re.findall(r'"([\w-]+)>=', dependencies[1])) <= set(pinned)


def test_workflows_call_what_exists() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    makefile = (ROOT / "Makefile").read_text()
    matrix = re.search(r"^MATRIX = (.*)$", makefile, re.M)
    assert matrix is not None
    targets = {f"test-{name}" for name in matrix[1].split()}
    targets |= set(re.findall(r"^([\w-]+): ", makefile, re.M))
    workflows = {
        path.stem: yaml.safe_load(path.read_text()) for path in ROOT.glob(".github/workflows/*.yml")
    }
    assert set(workflows) == {"tests", "wheels"}
    choices = workflows["tests"]["jobs"]["test"]["strategy"]["matrix"]
    called = set(choices["target"]) | {each["target"] for each in choices["include"]}
    assert called <= targets
    python = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    assert choices["python"] == python
    jobs = workflows["wheels"]["jobs"]
    assert set(jobs["publish"]["needs"]) == set(jobs) - {"publish"}
