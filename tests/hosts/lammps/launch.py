"""The cases' files, and their runs under mpirun."""

import os
import sys
from pathlib import Path

import torch
from commands import ROOT, succeed
from lammps_cases import MODELS, TYPES, frames
from motion import moving_file

from anisoap_e3nn.gay_berne import gay_berne_fluids
from anisoap_e3nn.potentials import save_model
from benchmarks.baselines.lammps_gay_berne import data_file


def write_files(folder: Path) -> None:
    """Data files and checkpoints, in float64."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    for name, data in frames().items():
        (folder / f"{name}.data").write_text(data_file(data, TYPES))
    (liquid,) = gay_berne_fluids(n_particles=125, n_sweeps=20)
    (folder / "liquid.data").write_text(data_file(liquid, [0]))
    (folder / "moving.data").write_text(moving_file())
    save_model(
        MODELS["gay_berne"], folder / "real_in_cal.pt", metadata={"units": {"energy": "cal"}}
    )
    save_model(MODELS["gay_berne"], folder / "metal.pt", metadata={"units": "metal"})
    torch.set_default_dtype(default)


def run_ranks(n_ranks: int, folder: Path, *cases: str) -> None:
    """Run cases, by default all of them, on so many ranks, in a folder with their files."""
    program = Path(__file__).with_name("ranks.py")
    command = [sys.executable, str(program), str(folder), str(n_ranks), *cases]
    environment = {"PYTHONPATH": str(ROOT), **patience(n_ranks)}
    succeed(["mpirun", "-n", str(n_ranks), *command], folder, **environment)


def patience(n_ranks: int) -> dict[str, str]:
    """Environment in which waiting ranks leave the cores to others, where there are more ranks than cores."""
    return {"MPIR_CVAR_CH4_PROGRESS_THROTTLE": "1"} if n_ranks > (os.cpu_count() or 1) else {}
