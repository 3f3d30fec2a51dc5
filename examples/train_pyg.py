"""Train a NequIP- or MACE-style potential on energies, forces and torques with plain PyTorch and PyG.

Without a file it uses Gay-Berne pairs. Of a file, random tenths are kept for validation and for the test.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from matplotlib import pyplot as plt
from torch.nn import Module
from torch.optim import lr_scheduler, swa_utils
from torch_geometric.data import Batch
from torch_geometric.loader import DataLoader
from tqdm import trange

from anisoap_e3nn.data import EllipsoidData, read_ellipsoids
from anisoap_e3nn.fitting import MechanicsLoss, predict
from anisoap_e3nn.gay_berne import gay_berne_pairs
from anisoap_e3nn.networks import MACEStylePotential, NequIPStylePotential
from anisoap_e3nn.potentials import load_model, mechanics, save_model

Frames = list[EllipsoidData]
MODELS = {"nequip": NequIPStylePotential, "mace": MACEStylePotential}


def splits(file: Path | None) -> list[Frames]:
    if file is None:
        return list(gay_berne_pairs())
    return list(map(list, torch.utils.data.random_split(read_ellipsoids(file), [0.8, 0.1, 0.1])))


def prepare(data: EllipsoidData, cutoff: float, as_spheres: bool) -> EllipsoidData:
    """Add neighbours, and optionally replace ellipsoids by spheres of equal volume."""
    data, radii = data.with_edges(cutoff), data.semiaxes.prod(1, keepdim=True).pow(1 / 3)
    data.semiaxes = radii.repeat(1, 3) if as_spheres else data.semiaxes
    return data


def draw_parity(checkpoint: Path, frames: Frames) -> None:
    data, targets = Batch.from_data_list(frames), MechanicsLoss(frames).targets
    result = predict(load_model(checkpoint), frames)
    plt.figure(figsize=(4 * len(targets), 4), layout="constrained")
    for i, target in enumerate(targets, start=1):
        true, found = data[target].flatten(), getattr(result, target).flatten()
        r2 = float(1 - (found - true).square().mean() / true.var(correction=0))
        print(title := f"{target}: R² = {r2:.5f}")
        panel = plt.subplot(1, len(targets), i, title=title, xlabel="true", ylabel="predicted")
        panel.axline((float(true.mean()),) * 2, slope=1, color="0.7", zorder=0)
        panel.plot(true, found, ".", markersize=3)
    plt.savefig(checkpoint.with_suffix(".png"), dpi=150)


def train(
    model: Module,
    loader: DataLoader,
    validation: Frames,
    epochs: int,
    keep: Callable[[Module], None],
) -> None:
    """Train a model, and keep that of the best epoch so far, with weights averaged over steps."""
    criterion = MechanicsLoss(loader.dataset + validation)
    model.standardize(loader.dataset)
    held_out, best = Batch.from_data_list(validation), float("inf")
    optimizer = torch.optim.Adam(model.parameters())
    schedule = lr_scheduler.OneCycleLR(optimizer, 0.02, epochs * len(loader), pct_start=0.05)
    average = swa_utils.AveragedModel(model, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.99))
    for _ in (bar := trange(epochs, unit="epoch")):
        for batch in loader:
            optimizer.zero_grad()
            criterion(mechanics(model, batch, create_graph=True), batch).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            optimizer.step()
            schedule.step()
            average.update_parameters(model)
        result = predict(average.module, validation)
        errors = criterion.squared_errors(result, held_out).sqrt().tolist()
        bar.set_postfix({k: f"{x:.2e}" for k, x in zip(criterion.targets, errors, strict=True)})
        if (loss := float(criterion(result, held_out))) < best:
            best = loss
            keep(average.module)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "file",
        type=Path,
        nargs="?",
        help="file of ellipsoids with energies (default: Gay-Berne pairs)",
    )
    parser.add_argument("--model", choices=MODELS, default="nequip")
    parser.add_argument("--layers", type=int, default=1, help="number of message-passing layers")
    parser.add_argument("--cutoff", type=float, default=4.5)
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--batch-size", type=int, default=32, help="frames in each step")
    parser.add_argument(
        "--spheres", action="store_true", help="replace ellipsoids by spheres of equal volume"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("trained.pt"), help="output file of the best model"
    )
    args = parser.parse_args()
    if args.output.exists():
        parser.error(f"{args.output} exists; give another --output")
    torch.manual_seed(0)
    shares = [[prepare(x, args.cutoff, args.spheres) for x in some] for some in splits(args.file)]
    _ = [MechanicsLoss(some) for some in shares]  # raises for faulty targets
    types = torch.cat([data.types for some in shares for data in some]).unique().tolist()
    model = MODELS[args.model](types, args.cutoff, n_layers=args.layers)
    loader = DataLoader(shares[0], args.batch_size, shuffle=True)
    keep = partial(save_model, path=args.output, overwrite=True)
    train(model, loader, shares[1], args.epochs, keep)
    draw_parity(args.output, shares[2])


if __name__ == "__main__":
    main()
