"""One benchmark of the study, in a process of its own: ``python -m benchmarks run`` starts it."""

import argparse
from pathlib import Path

import torch

from . import peers, stages, sweeps, trajectory
from .environment import environment

BENCHMARKS = {
    "stages": stages.sweep_stages,
    "parts": stages.sweep_parts,
    "systems": sweeps.sweep_systems,
    "species": sweeps.sweep_species,
    "size": sweeps.sweep_size,
    "basis": sweeps.sweep_basis,
    "threads": sweeps.sweep_threads,
    "dtypes": sweeps.sweep_dtypes,
    "trajectory": trajectory.sweep_trajectory,
    "peers": peers.sweep_peers,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benchmark", choices=BENCHMARKS)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    before = environment()
    torch.set_num_threads(1)
    with torch.no_grad():
        result = BENCHMARKS[arguments.benchmark](sweeps.Settings(arguments.quick))
    result.write(arguments.results, before, arguments.quick)


if __name__ == "__main__":
    main()
