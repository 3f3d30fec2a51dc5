"""Steps of which rank 1 alone fails the third: ``mpirun -n 2 python one_rank_fails.py FOLDER MODEL``."""

import os
import sys
from itertools import count
from pathlib import Path
from typing import Any

import torch
from lammps_cases import MODELS, MOVE, TYPE_WORDS, anisoap, setup

from anisoap_e3nn.interop.lammps import couple, start_lammps
from anisoap_e3nn.networks.convolution import Convolution


def failing(model: torch.nn.Module) -> torch.nn.Module:
    """The model, which fails its third evaluation: a network between its two exchanges of features."""
    evaluations = count(1)

    def fail(*_: Any) -> None:
        if next(evaluations) == 3:
            raise ValueError("rank 1 alone fails")

    convolutions = [each for each in model.modules() if isinstance(each, Convolution)]
    if convolutions:
        convolutions[-1].register_forward_pre_hook(fail)
        return model
    os.environ["ANISOAP_E3NN_BACKEND"] = "torch"  # LAMMPS calls native kernels without Python
    derivatives = model.derivatives

    def failing_derivatives(*arguments: Any) -> Any:
        fail()
        return derivatives(*arguments)

    model.derivatives = failing_derivatives
    return model


def main(folder: str, name: str) -> None:
    torch.set_default_dtype(torch.float64)
    lmp = start_lammps(["-screen", "none", "-log", "none"])
    model = MODELS[name] if lmp.extract_setting("world_rank") != 1 else failing(MODELS[name])
    couple(lmp, {name: model})
    script = setup() + anisoap(f"{name} {TYPE_WORDS}") + MOVE + "run 100"
    lmp.commands_string(script.format(folder=Path(folder)))


if __name__ == "__main__":
    main(*sys.argv[1:])
