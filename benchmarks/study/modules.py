"""The other benchmarks of this folder, each a module that prints a report of its own."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from .environment import ROOT, pinned

MODULES = {
    "embedding": [],
    "derivatives": [],
    "clebsch_gordan": [],
    "converters": [],
    "convolution": [],
    "stacked": [],
    "models": ["--compile"],
    "pair_forces": [],
}
QUICKLY = {"converters": ["--samples", "1000"]}  # options for --quick, where it needs some
TOO_LONG = {"clebsch_gordan": "compiles e3nn's products for minutes"}  # for --quick
LEFT_OUT = {
    "gpu": "needs an NVIDIA GPU",
    "gpu_step": "needs an NVIDIA GPU",
    "gpu_convolution": "needs an NVIDIA GPU",
    "gpu_clebsch_gordan": "needs an NVIDIA GPU",
    "gpu_resources": "compiles for the H100, with Triton; it measures nothing here",
    "hosts": "needs the environments of make test-nequip and make test-mace",
    "lammps": "needs LAMMPS and `anisoap-e3nn lammps build`",
    "lammps_coupling": "needs LAMMPS and `anisoap-e3nn lammps build`",
    "nve": "simulates 20 000 steps to see the drift of an energy; it is no measure of speed",
}


def run_module(name: str, folder: Path, quick: bool) -> str | None:
    """Run a module and keep its report as ``folder/name.txt``; return what went wrong, if something did.

    With `quick`, one round of everything.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            f"benchmarks.{name}",
            *(QUICKLY.get(name, []) if quick else MODULES[name]),
        ],
        cwd=ROOT,
        env=pinned() | ({"BENCHMARK_ROUNDS": "1"} if quick else {}),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        return f"benchmarks.{name} failed with status {done.returncode}; its message stands above"
    (folder / f"{name}.txt").write_text(done.stdout, encoding="utf-8")
    return None


def missing_for(name: str) -> str | None:
    """Package that a module needs and that is not installed."""
    needs = {"embedding": ["featomic", "metatensor"], "derivatives": ["featomic"]}.get(name, [])
    return next((package for package in needs if not find_spec(package)), None)
