"""What one rank of MPI computes for the tests: ``mpirun -n N python ranks.py FOLDER N [CASE...]``.

Each long motion that is named, or else each case of :func:`cases_of` and each short motion, is written to
``FOLDER/NAME.npz``. Each refusal of :data:`REFUSALS` is written by each rank, to ``FOLDER/NAME.RANK.txt``.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lammps_cases import REFUSALS, Case, cases_of
from motion import LONG_MOTIONS, MOTIONS

from anisoap_e3nn.interop.lammps import couple, start_lammps


def start(case: Case, folder: Path) -> Any:
    lmp = start_lammps(["-screen", "none", "-log", "none"])
    couple(lmp, case.models)
    lmp.commands_string(case.script.format(folder=folder))
    return lmp


def write(lmp: Any, path: Path) -> None:
    """Energy, pressure, and energies, forces, torques and positions in the order of the IDs."""
    arrays = {
        name: np.array(lmp.gather(name, 1, 3)).reshape(-1, 3) for name in ("f", "torque", "x")
    }
    parts = ("pxx", "pyy", "pzz", "pxy", "pxz", "pyz")
    arrays["pressure"] = np.array([lmp.get_thermo(part) for part in parts])
    arrays["energies"] = np.array(lmp.gather("c_energies", 1, 1))
    arrays["energy"] = np.array(lmp.get_thermo("pe"))
    if lmp.has_id("fix", "total"):
        n = lmp.extract_fix("total", 0, 3)  # length of its vector
        arrays["total"] = np.array([lmp.extract_fix("total", 0, 1, k) for k in range(n)])
        before, after = (np.array(lmp.gather(x, 1, 1)) for x in ("f_owner_before", "c_owner"))
        arrays["n_migrated"] = np.array((before != after).sum())
    if lmp.extract_setting("world_rank") == 0:
        np.savez(path, **arrays)


def write_cases(cases: dict[str, Case], folder: Path) -> Any:
    for name, case in cases.items():
        lmp = start(case, folder)
        write(lmp, folder / f"{name}.npz")
        lmp.close()
    return lmp


def write_refusals(folder: Path) -> None:
    for name, case in REFUSALS.items():
        lmp = start(Case("", case.models), folder)
        rank, message = lmp.extract_setting("world_rank"), ""
        try:
            lmp.commands_string(case.script.format(folder=folder))
        except Exception as error:  # LAMMPS raises no other class
            message = str(error)
        (folder / f"{name}.{rank}.txt").write_text(message)
        lmp.close()


def main(folder: Path, n_ranks: int, *names: str) -> None:
    torch.set_default_dtype(torch.float64)
    if names:
        lmp = write_cases({name: LONG_MOTIONS[name] for name in names}, folder)
    else:
        lmp = write_cases(cases_of(n_ranks) | MOTIONS, folder)
        write_refusals(folder)
    lmp.finalize()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
