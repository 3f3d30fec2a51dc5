"""Compare linear models and networks for a Gay-Berne fluid, on ellipsoids and on spheres of equal volume.

All models learn from the same frames, of a cold and a hot liquid of equal density, and are tested on others.
In networks with plain edges, only the embedding depends on orientations. The trained models are saved, for
example for a test of energy conservation:

    python examples/fluid_models.py fluid_models    # takes about an hour
    python -m benchmarks.nve --model fluid_models/nequip.pt
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from matplotlib import pyplot as plt
from torch_geometric.data import Batch
from torch_geometric.loader import DataLoader
from tqdm import tqdm
from train_pyg import Frames, prepare, train

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.fitting import MechanicsLoss, fit_linear, predict
from anisoap_e3nn.gay_berne import gay_berne_fluids
from anisoap_e3nn.networks import MACEStylePotential, NequIPStylePotential
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    OneBodyPotential,
    PairPotential,
    StackedPotential,
    load_model,
    save_model,
)
from anisoap_e3nn.simulation import ForceField

CUTOFF = 3.0  # also that of the Gay-Berne potential, which is switched off smoothly from 2.5 on
TEMPERATURES = (1.2, 3.0)
TARGETS = ("energy", "forces", "torques")


class Row(NamedTuple):
    """Row of the table: root mean square errors on the test set by target, and times in seconds."""

    name: str
    particles: str
    n_weights: int
    errors: tuple[float, ...]
    training: float
    force_call: float


def linear_pair() -> StackedPotential:
    pair = PairPotential([0], CUTOFF, decay_length=1.0, switch_width=0.5)
    return StackedPotential([OneBodyPotential([0]), pair])


def linear_stack() -> StackedPotential:
    many_body = ManyBodyPotential([0], CUTOFF, 6, 4, radial_gaussian_width=0.4, density_width=0.3)
    return StackedPotential([*linear_pair().components, many_body])


MODELS: dict[str, Callable[[], torch.nn.Module]] = {
    "pair": linear_pair,
    "stack": linear_stack,
    "nequip": lambda: NequIPStylePotential([0], CUTOFF, n_layers=1),
    "mace": lambda: MACEStylePotential([0], CUTOFF, n_layers=1),
    "nequip_plain": lambda: NequIPStylePotential([0], CUTOFF, n_layers=1, edge_orientations=False),
    "mace_plain": lambda: MACEStylePotential([0], CUTOFF, n_layers=1, edge_orientations=False),
}
TITLES = {
    "pair": "linear, pair",
    "stack": "linear, pair + many-body",
    "nequip": "NequIP-style",
    "mace": "MACE-style",
    "nequip_plain": "NequIP-style, plain edges",
    "mace_plain": "MACE-style, plain edges",
}


def fluids(n_frames: int) -> list[Frames]:
    """Frames for training (`n_frames` of each temperature), validation and test (a fifth each)."""
    fifth = max(1, n_frames // 5)
    shares: list[Frames] = [[], [], []]
    for seed, temperature in enumerate(tqdm(TEMPERATURES, desc="Monte Carlo", leave=False)):
        n_all = n_frames + 2 * fifth
        frames = gay_berne_fluids(n_all, temperature=temperature, n_sweeps=60, seed=seed)
        for share, n in zip(shares, (n_frames, fifth, fifth), strict=True):
            share += [frames.pop() for _ in range(n)]
    return shares


def fit(name: str, shares: list[Frames], epochs: int, checkpoint: Path) -> torch.nn.Module:
    """Fit linear models by least squares, and train networks with one frame per step."""
    torch.manual_seed(0)
    model = MODELS[name]()
    if isinstance(model, StackedPotential):
        fit_linear(model, tqdm(shares[0], desc=name, leave=False, unit="frame"))
        save_model(model, checkpoint)
    else:
        loader = DataLoader(shares[0], batch_size=1, shuffle=True)
        train(
            model, loader, shares[1], epochs, partial(save_model, path=checkpoint, overwrite=True)
        )
    return load_model(checkpoint)


def seconds_of_forces(
    fitted: dict[tuple[str, str], torch.nn.Module], data: EllipsoidData, rounds: int = 15
) -> dict[tuple[str, str], float]:
    """Median times of a force call for one frame, neighbour search included; runs are interleaved."""
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in fitted}
    for _ in range(rounds):
        for key, model in fitted.items():
            start = time.perf_counter()
            ForceField(model)(data)
            seconds[key].append(time.perf_counter() - start)
    return {key: statistics.median(times) for key, times in seconds.items()}


def print_table(rows: list[Row], spreads: list[float]) -> None:
    print("| model | particles | weights | energy | forces | torques | training | force call |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    print("| (standard deviation) | | | " + " | ".join(f"{x:.3g}" for x in spreads) + " | | |")
    for row in rows:
        errors = " | ".join(f"{error:.2g}" for error in row.errors)
        print(
            f"| {TITLES[row.name]} | {row.particles} | {row.n_weights} | {errors} | "
            f"{row.training:.0f} s | {1e3 * row.force_call:.1f} ms |"
        )


def draw(rows: list[Row], spreads: list[float], path: Path) -> None:
    """Draw errors relative to standard deviations of the data; spheres have hollow symbols."""
    # one label for both, with the time for ellipsoids, which come first
    times = {row.name: 1e3 * row.force_call for row in reversed(rows)}
    _, panels = plt.subplots(1, 3, figsize=(10, 2.8), sharey=True, layout="constrained")
    for i, (panel, target) in enumerate(zip(panels, TARGETS, strict=True)):
        panel.axvline(1, color="0.8", linewidth=1, zorder=0)
        for particles, face in (("ellipsoids", "tab:blue"), ("spheres", "white")):
            some = [row for row in rows if row.particles == particles]
            errors = [row.errors[i] / spreads[i] for row in some]
            labels = [f"{TITLES[row.name]}, {times[row.name]:.0f} ms" for row in some]
            panel.plot(errors, labels, "o", color="tab:blue", markerfacecolor=face, label=particles)
        panel.set(title=target, xscale="log", xlabel="error / standard deviation")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].invert_yaxis()
    panels[0].legend(frameon=False, loc="lower left")
    plt.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="new folder for models and figure")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument(
        "--frames", type=int, default=40, help="training frames at each temperature"
    )
    parser.add_argument("--epochs", type=int, default=100, help="epochs of the networks")
    arguments = parser.parse_args()
    if arguments.folder.exists():
        parser.error(f"{arguments.folder} exists; give another folder")
    arguments.folder.mkdir()

    shares = fluids(arguments.frames)
    fitted: dict[tuple[str, str], torch.nn.Module] = {}
    results: dict[tuple[str, str], tuple[tuple[float, ...], float]] = {}
    for particles, suffix in (("ellipsoids", ""), ("spheres", "_spheres")):
        ready = [[prepare(x, CUTOFF, bool(suffix)) for x in some] for some in shares]
        loss = MechanicsLoss(ready[2])
        test = Batch.from_data_list(ready[2])
        for name in arguments.models:
            if suffix and name.endswith("_plain"):
                continue  # edges between spheres have no orientations
            start = time.perf_counter()
            model = fit(name, ready, arguments.epochs, arguments.folder / f"{name}{suffix}.pt")
            seconds = time.perf_counter() - start
            errors = loss.squared_errors(predict(model, ready[2]), test).sqrt().tolist()
            fitted[name, particles], results[name, particles] = model, (tuple(errors), seconds)
    times = seconds_of_forces(fitted, shares[2][0])
    rows = [
        Row(name, particles, n_weights(fitted[name, particles]), *result, times[name, particles])
        for (name, particles), result in results.items()
    ]
    spreads = loss.variances.sqrt().tolist()
    print_table(rows, spreads)
    draw(rows, spreads, arguments.folder / "errors.png")
    print(f"models and figure: {arguments.folder}")


def n_weights(model: torch.nn.Module) -> int:
    return sum(weights.numel() for weights in model.parameters())


if __name__ == "__main__":
    main()
