"""A package of somebody else, installed beside this one: its models are fitted, saved, loaded and run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def install(folder: Path) -> Path:
    """Where pip put the package; built from a copy, so that nothing is left beside the tests."""
    shutil.copytree(HERE / "springs", folder / "source")
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--no-index", "--no-deps", "--no-build-isolation", "--target", "installed", "./source",
    ]  # fmt: skip
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder / "installed"


def python(*arguments: str, path: str = "") -> str:
    """What a new interpreter prints, with a folder to import from besides the usual ones."""
    folders = [folder for folder in (path, os.environ.get("PYTHONPATH")) if folder]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders)}
    run = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_models_of_another_package(tmp_path: Path) -> None:
    """With the package, without it, and with one of its name that has lost the class."""
    pytest.importorskip("scikit_build_core", reason="no build backend for the package is installed")
    installed, model = install(tmp_path), str(tmp_path / "model.pt")
    output = python(str(HERE / "use_springs.py"), model, path=str(installed))
    assert output == "all is well\n"

    (installed / "springs" / "__init__.py").write_text('"""Empty."""\n')
    script = f"""
import sys
from anisoap_e3nn.potentials import load_model
for folder in ("", {str(installed)!r}):
    sys.path.insert(0, folder)
    try:
        load_model({model!r})
    except ValueError as error:
        print(str(error).replace(chr(10), " "))
"""
    absent, without_class = python("-c", script).splitlines()
    assert "model.pt" in absent
    assert "springs.HarmonicBonds belongs to a package that is not registered here" in absent
    assert "install 'springs', which may be that package" in absent
    assert "found no class 'springs.HarmonicBonds'" in without_class
