"""Fit linear models to pairs of Gay-Berne ellipsoids by least squares, and test them on other pairs.

The table shows R² of energies, forces and torques on the test set for fits to energies alone and to all three
targets. Hyperparameters were chosen on the validation set.

    python examples/linear_models.py --figure linear_models.png
"""

import argparse
import time
from pathlib import Path

import torch
from matplotlib import pyplot as plt
from torch_geometric.data import Batch
from tqdm import tqdm

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.fitting import RSquared, fit_linear, r_squared
from anisoap_e3nn.gay_berne import gay_berne_pairs
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    OneBodyPotential,
    PairPotential,
    StackedPotential,
    mechanics,
)

CUTOFF = 4.0
RIDGE = 1e-8
TARGETS = {
    "energies": {"energy": 1.0, "forces": 0.0, "torques": 0.0},
    "all": {"energy": 1.0, "forces": 1.0, "torques": 1.0},
}


def potentials() -> dict[str, StackedPotential]:
    """The models, each with a one-body potential."""

    def many_body(max_angular: int, max_radial: int, density_width: float) -> ManyBodyPotential:
        shapes = {"radial_gaussian_width": 0.4, "density_width": density_width}
        return ManyBodyPotential([0], CUTOFF, max_angular, max_radial, **shapes)

    def pair() -> PairPotential:
        return PairPotential([0], CUTOFF, n_radial=10, max_degree=4, decay_length=1.0)

    models = {
        "many-body, l ≤ 10, n ≤ 10, AniSOAP's density width 1": [many_body(10, 10, 1.0)],
        "many-body, l ≤ 10, n ≤ 6, density width 0.3": [many_body(10, 6, 0.3)],
        "pair": [pair()],
        "pair + many-body, l ≤ 8, n ≤ 4, density width 0.3": [pair(), many_body(8, 4, 0.3)],
    }
    return {
        name: StackedPotential([OneBodyPotential([0]), *parts]) for name, parts in models.items()
    }


def row(name: str, potential: StackedPotential, fitted_on: str, scores: RSquared, s: float) -> str:
    n_weights = sum(weights.numel() for weights in potential.parameters())
    numbers = " | ".join(f"{score:.5f}" for score in scores)
    return f"| {name} | {n_weights} | {fitted_on} | {numbers} | {s:.0f} s |"


def draw(potentials: dict[str, StackedPotential], test: list[EllipsoidData], path: Path) -> None:
    """Draw predictions against true values; the first models lie behind."""
    batch = Batch.from_data_list(test)
    figure, panels = plt.subplots(1, 3, figsize=(11, 4.1), layout="constrained")
    for target, panel in zip(("energy", "forces", "torques"), panels, strict=True):
        true = batch[target].flatten()
        for (name, potential), color in zip(potentials.items(), ("0.75", "C1", "C0"), strict=True):
            predicted = getattr(mechanics(potential, batch), target).detach().flatten()
            panel.plot(true, predicted, ".", markersize=3, color=color, label=name)
        panel.axline((0, 0), slope=1, color="k", linewidth=0.6)
        panel.set(title=target, xlabel="Gay-Berne")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("predicted")
    labels = panels[0].get_legend_handles_labels()
    figure.legend(
        *labels, loc="outside lower center", ncols=3, frameon=False, markerscale=4, fontsize=8
    )
    figure.savefig(path, dpi=150)
    print(f"\nfigure: {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--figure", type=Path, help="figure of predictions against true values")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing figure")
    arguments = parser.parse_args()
    if arguments.figure and arguments.figure.exists() and not arguments.overwrite:
        parser.error(f"{arguments.figure} exists; use --overwrite, or give another --figure")
    torch.set_default_dtype(torch.float64)
    train, _, test = gay_berne_pairs()

    rows, fitted = [], {}
    for fitted_on, weights in TARGETS.items():
        for name, potential in potentials().items():
            frames = tqdm(train, desc=f"{name}, {fitted_on}", leave=False, unit="pair")
            start = time.perf_counter()
            fit_linear(potential, frames, ridge=RIDGE, target_weights=weights)
            seconds = time.perf_counter() - start
            rows.append(row(name, potential, fitted_on, r_squared(potential, test), seconds))
            fitted[name] = potential
    print(f"{len(train)} pairs to fit, {len(test)} to test, {torch.get_num_threads()} threads\n")
    print(
        "| model | weights | fitted on | R² energies | R² forces | R² torques | time of the fit |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print("\n".join(rows))
    if arguments.figure:
        wide, narrow, _, last = fitted
        draw({name: fitted[name] for name in (wide, narrow, last)}, test, arguments.figure)


if __name__ == "__main__":
    main()
