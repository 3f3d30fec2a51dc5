"""Pinned threads, and a record of the machine and the versions that a result was measured with."""

import os
import platform
import re
import subprocess
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

# read by libraries once, when they are loaded: set them before Python starts
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
PACKAGES = ("anisoap-e3nn", "torch", "numpy", "e3nn", "featomic", "metatensor-core", "vesin")
ROOT = Path(__file__).resolve().parents[2]


def pinned(threads: int = 1) -> dict[str, str]:
    """Environment of a process whose libraries use this number of threads."""
    return os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))


def n_cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def environment() -> dict[str, Any]:
    """Machine, versions, threads and revision, as they are now.

    Raises
    ------
    RuntimeError
        If the threads of the libraries are not pinned.
    """
    import numpy as np
    import torch

    from anisoap_e3nn.ops.backends import native

    free = [name for name in THREAD_VARIABLES if not os.environ.get(name)]
    if free:
        raise RuntimeError(
            f"{', '.join(free)} are not set, so threads are not pinned; start the study by "
            "`python -m benchmarks`"
        )
    numpy_blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    torch_blas = re.search(r"BLAS_INFO=(\w+)", torch.__config__.show())
    sets = [] if native.unavailable else native._native.instruction_sets()
    return {
        "cpu": _cpu_name(),
        "cores": n_cores(),
        "instruction_sets": sets,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "platform": platform.platform(),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "blas_of_numpy": f"{numpy_blas['name']} {numpy_blas['version']}",
        "blas_of_torch": torch_blas[1] if torch_blas else "unknown",
        "python": platform.python_version(),
        "versions": _versions(),
        "threads": {name: os.environ[name] for name in THREAD_VARIABLES},
        "revision": _revision(),
    }


def _cpu_name() -> str:
    path = Path("/proc/cpuinfo")
    text = path.read_text() if path.exists() else ""
    names = (re.search(rf"^{key}\s*:\s*(.+)$", text, re.M) for key in ("model name", "Model"))
    name = next((found[1] for found in names if found), platform.processor())
    family, model = (re.search(rf"^{k}\s*:\s*(\d+)$", text, re.M) for k in ("cpu family", "model"))
    return f"{name}, family {family[1]}, model {model[1]}" if family and model else name


def _versions() -> dict[str, str | None]:
    installed = {each.metadata["Name"].lower(): each.version for each in distributions()}
    return {name: installed.get(name) for name in PACKAGES}


def _revision() -> str:
    """Commit of the checkout, marked if files differ from it; "unknown" outside a checkout."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit} with changes" if changed else commit


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
