"""A LAMMPS coupled again, and its successor: ``python couplings.py FOLDER`` prints what it finds as JSON."""

import gc
import json
import sys
from pathlib import Path
from typing import Any

import torch
from lammps import lammps
from lammps_cases import MODELS, TYPE_WORDS, setup

from anisoap_e3nn.interop.lammps import couple, plugin_path, start_lammps

QUIET = ["-screen", "none", "-log", "none"]


class Failing(torch.nn.Module):
    """Model with an error that is not for users."""

    cutoff = 2.0

    def forward(self, data: Any) -> torch.Tensor:
        energies: dict[int, torch.Tensor] = {}
        return energies[46]


def energy(lmp: Any, script: str, folder: Path) -> float:
    lmp.commands_string(script.format(folder=folder))
    return float(lmp.get_thermo("pe"))


def refusal(lmp: Any, script: str, folder: Path) -> str:
    try:
        lmp.commands_string(script.format(folder=folder))
    except Exception as error:  # LAMMPS raises no other class
        return " ".join(str(error).split())
    return ""


def style(name: str) -> str:
    return f"pair_style anisoap\npair_coeff * * {name} {TYPE_WORDS}\nthermo_modify norm no\nrun 0\n"


def successor(address: int, folder: Path) -> str:
    """Refusal of a LAMMPS that was never coupled, at the place of one that was."""
    lmp = lammps(cmdargs=QUIET)
    assert lmp.lmp.value == address
    lmp.command(f'plugin load "{plugin_path()}"')
    text = refusal(lmp, setup() + style("gay_berne"), folder)
    lmp.close()
    return text


def main(folder: Path) -> None:
    torch.set_default_dtype(torch.float64)
    lmp = start_lammps(QUIET)
    couple(lmp, {"gay_berne": MODELS["gay_berne"]})
    found: dict[str, Any] = {"first": energy(lmp, setup() + style("gay_berne"), folder)}
    couple(lmp, {"stack": MODELS["stack"]})
    gc.collect()
    found["next_step"] = energy(lmp, "timestep 0.0\nrun 1", folder)
    found["other_model"] = energy(lmp, style("stack"), folder)
    found["first_model"] = energy(lmp, style("gay_berne"), folder)
    found["cleared"] = energy(lmp, "clear\n" + setup() + style("stack"), folder)
    found["no_file"] = refusal(lmp, "pair_coeff * * nothing 7 3 5", folder)
    found["after_refusal"] = refusal(lmp, "run 0", folder)
    couple(lmp, {"failing": Failing()})
    found["failing"] = refusal(lmp, style("failing"), folder)
    address = lmp.lmp.value
    lmp.close()
    found["after_close"] = successor(address, folder)
    del lmp
    gc.collect()
    found["after_deletion"] = successor(address, folder)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
