"""What one rank of MPI computes for the tests: ``mpirun -n N python ranks.py FOLDER N``.

Each case of :func:`cases_of` is written to ``FOLDER/NAME.npz``. Each refusal of :data:`REFUSALS` is written
by each rank, to ``FOLDER/NAME.RANK.txt``.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lammps_cases import REFUSALS, Case, cases_of

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
    if lmp.extract_setting("world_rank") == 0:
        np.savez(path, **arrays)


def main(folder: Path) -> None:
    torch.set_default_dtype(torch.float64)
    for name, case in cases_of(int(sys.argv[2])).items():
        lmp = start(case, folder)
        write(lmp, folder / f"{name}.npz")
        lmp.close()
    for name, case in REFUSALS.items():
        lmp = start(Case("", case.models), folder)
        rank, message = lmp.extract_setting("world_rank"), ""
        try:
            lmp.commands_string(case.script.format(folder=folder))
        except Exception as error:  # LAMMPS raises no other class
            message = str(error)
        (folder / f"{name}.{rank}.txt").write_text(message)
        lmp.close()
    lmp.finalize()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
