"""Fit a potential to a fluid of ellipsoids by least squares, and save it for ASE and dynamics.

The training data are frames of the Gay-Berne fluid at two temperatures, from Monte Carlo, and pairs that are
closer than any pair in the fluid. The pairs keep dynamics within the range of the training data.

    python examples/fit_fluid.py fluid.pt
    python -m benchmarks.nve --model fluid.pt     # energy conservation of its dynamics
"""

import argparse
import time
from pathlib import Path

import torch
from tqdm import tqdm

from anisoap_e3nn.fitting import fit_linear, r_squared
from anisoap_e3nn.gay_berne import (
    gay_berne_fluids,
    gay_berne_pairs,
    label_frames,
    triaxial_gay_berne,
)
from anisoap_e3nn.potentials import OneBodyPotential, PairPotential, StackedPotential, save_model

CUTOFF, SWITCH_WIDTH = 3.0, 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkpoint", type=Path, help="output file of the model")
    parser.add_argument(
        "--frames", type=int, default=12, help="number of frames at each temperature (default: 12)"
    )
    parser.add_argument(
        "--particles", type=int, default=64, help="number of particles in a frame (default: 64)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing checkpoint")
    arguments = parser.parse_args()
    if arguments.checkpoint.exists() and not arguments.overwrite:
        parser.error(f"{arguments.checkpoint} exists; use --overwrite, or give another checkpoint")
    if arguments.frames < 3:
        parser.error(
            f"--frames is {arguments.frames}, expected 3 or more, since a third is for testing"
        )
    torch.set_default_dtype(torch.float64)

    train, test = [], []
    for temperature in (1.2, 3.0):
        frames = gay_berne_fluids(
            arguments.frames, arguments.particles, temperature=temperature, n_sweeps=60
        )
        n_test = arguments.frames // 3
        train += frames[n_test:]
        test += frames[:n_test]
    pairs = gay_berne_pairs(reduced_distances=(0.9, 2.0)).train
    train += label_frames(triaxial_gay_berne(CUTOFF, SWITCH_WIDTH), pairs)

    pair = PairPotential([0], CUTOFF, decay_length=1.0, switch_width=SWITCH_WIDTH)
    potential = StackedPotential([OneBodyPotential([0]), pair])
    start = time.perf_counter()
    fit_linear(potential, tqdm(train, desc="fit", leave=False, unit="frame"))
    print(f"fitted to {len(train)} frames in {time.perf_counter() - start:.1f} s")
    for target, score in r_squared(potential, test)._asdict().items():
        print(f"R² of {target:>7} on {len(test)} test frames: {score:.5f}")
    save_model(potential, arguments.checkpoint, overwrite=arguments.overwrite)
    print(f"model: {arguments.checkpoint}")


if __name__ == "__main__":
    main()
