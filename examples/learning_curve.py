"""Learning curves: errors of potentials trained on 64 to 1570 Gay-Berne pairs.

All runs take the same number of steps, so fewer pairs are repeated more often. They share one test set.
Models with "spheres" in their name see each particle as a sphere of equal volume.
"""

import argparse
import copy
import math
from pathlib import Path

import torch
from matplotlib import pyplot as plt
from torch_geometric.loader import DataLoader
from train_pyg import MODELS, prepare, train

from anisoap_e3nn.fitting import RSquared, r_squared
from anisoap_e3nn.gay_berne import gay_berne_pairs

SIZES = (64, 128, 256, 512, 1024, 1570)
CUTOFF = 4.5
STYLES = {
    "nequip": {"color": "tab:blue", "label": "NequIP-style"},
    "mace": {"color": "tab:red", "label": "MACE-style"},
    "nequip, spheres": {"color": "0.6", "label": "NequIP-style, of spheres"},
}


def score(name: str, size: int, epochs: int) -> RSquared:
    """R² on the test set of a model trained on the first pairs of the training set."""
    kind, *hidden = name.split(", ")
    splits = [
        [prepare(pair, CUTOFF, bool(hidden)) for pair in pairs] for pairs in gay_berne_pairs()
    ]
    torch.manual_seed(0)
    model = MODELS[kind]([0], CUTOFF, n_layers=1)
    repeated = (splits[0][:size] * math.ceil(SIZES[-1] / size))[: SIZES[-1]]
    best = copy.deepcopy(model)
    loader = DataLoader(repeated, 32, shuffle=True)
    train(model, loader, splits[1], epochs, lambda x: best.load_state_dict(x.state_dict()))
    return r_squared(best, splits[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=STYLES, default=list(STYLES))
    parser.add_argument("--epochs", type=int, default=100, help="epochs of each run, of 50 steps")
    parser.add_argument("--output", type=Path, default=Path("learning_curve.png"))
    arguments = parser.parse_args()
    if arguments.output.exists():
        parser.error(f"{arguments.output} exists; give another --output")
    _, panels = plt.subplots(1, 3, figsize=(11, 3.6), sharey=True, layout="constrained")
    print("| model | pairs | energy | forces | torques |\n| --- | --- | --- | --- | --- |")
    for name in arguments.models:
        scores = []
        for size in SIZES:
            scores.append(score(name, size, arguments.epochs))
            print(f"| {name} | {size} | " + " | ".join(f"{x:.5f}" for x in scores[-1]) + " |")
        for panel, target in zip(panels, RSquared._fields, strict=True):
            errors = [1 - getattr(each, target) for each in scores]
            panel.loglog(SIZES, errors, "o-", **STYLES[name])
            panel.set(title=target, xlabel="training pairs")
    panels[0].set_ylabel("1 - R² on the test set")
    panels[0].legend(frameon=False)
    for panel in panels:
        panel.axhline(1e-3, color="0.8", linewidth=1, zorder=0)
        panel.spines[["top", "right"]].set_visible(False)
    plt.savefig(arguments.output, dpi=150)
    print(f"figure: {arguments.output}")


if __name__ == "__main__":
    main()
