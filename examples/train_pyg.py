"""Train a NequIP- or MACE-style potential on energies, forces and torques with plain PyTorch and PyG.

Without a file it learns the Gay-Berne potential from pairs of ellipsoids that it makes itself. Of a file, any
that `read_ellipsoids` reads, a random tenth is for validation and another for the test.
"""

import argparse
from pathlib import Path

import torch
from matplotlib import pyplot as plt
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch_geometric.data import Batch
from torch_geometric.loader import DataLoader
from tqdm import trange

from anisoap_e3nn import models
from anisoap_e3nn.data import EllipsoidData, gay_berne_pairs, read_ellipsoids

MODELS = {"nequip": models.NequIPStylePotential, "mace": models.MACEStylePotential}


def splits(file: Path | None) -> list[list[EllipsoidData]]:
    if file is None:
        return list(gay_berne_pairs())
    shares = torch.utils.data.random_split(read_ellipsoids(file), [0.8, 0.1, 0.1])
    return [list(some) for some in shares]


def as_spheres(data: EllipsoidData) -> EllipsoidData:
    """Of equal volumes, whose orientations make no difference."""
    data.semiaxes = data.semiaxes.prod(1, keepdim=True).pow(1 / 3).expand(-1, 3).clone()
    return data


def draw_parity(checkpoint: Path, frames: list[EllipsoidData], targets: list[str]) -> None:
    model, data = models.load_model(checkpoint), Batch.from_data_list(frames)
    result = models.predict(model, frames)
    _, panels = plt.subplots(1, len(targets), figsize=(4 * len(targets), 4), squeeze=False)
    for panel, target in zip(panels[0], targets, strict=True):
        true, found = data[target].flatten(), getattr(result, target).flatten()
        r2 = float(1 - (found - true).square().mean() / true.var(correction=0))
        print(f"R² of {target}: {r2:.5f}")
        panel.axline((float(true.mean()),) * 2, slope=1, color="0.7", zorder=0)
        panel.plot(true, found, ".", markersize=3)
        panel.set(title=f"{target}, R² = {r2:.5f}", xlabel="true", ylabel="predicted")
    plt.tight_layout()
    plt.savefig(checkpoint.with_suffix(".png"), dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?", help="ellipsoids with energies")
    parser.add_argument("--model", choices=MODELS, default="nequip")
    parser.add_argument("--layers", type=int, default=1, help="how often messages are sent")
    parser.add_argument("--cutoff", type=float, default=4.5)
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--hide-orientations", action="store_true", help="make spheres of all")
    parser.add_argument("--output", type=Path, default=Path("trained"), help="less its suffix")
    arguments = parser.parse_args()
    checkpoint = arguments.output.with_suffix(".pt")
    if checkpoint.exists():
        parser.error(f"{checkpoint} exists; give another --output")
    torch.manual_seed(0)

    frames = splits(arguments.file)
    if arguments.hide_orientations:
        frames = [[as_spheres(data) for data in some] for some in frames]
    train, validation, test = ([x.with_edges(arguments.cutoff) for x in some] for some in frames)
    criterion = models.MechanicsLoss(train + validation + test)  # whether all are fit for use
    types = torch.cat([data.types for data in train + validation + test]).unique().tolist()
    model = MODELS[arguments.model](types, arguments.cutoff, n_layers=arguments.layers)
    model.standardize(train)

    loader, held_out = DataLoader(train, 32, shuffle=True), Batch.from_data_list(validation)
    optimizer = torch.optim.Adam(model.parameters())
    n_steps = arguments.epochs * len(loader)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, n_steps, pct_start=0.05)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    best = float("inf")
    for _ in (bar := trange(arguments.epochs, unit="epoch")):
        for batch in loader:
            optimizer.zero_grad()
            criterion(models.mechanics(model, batch, create_graph=True), batch).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            optimizer.step()
            schedule.step()
            average.update_parameters(model)
        result = models.predict(average.module, validation)
        errors = criterion.squared_errors(result, held_out).sqrt().tolist()
        bar.set_postfix({k: f"{x:.2e}" for k, x in zip(criterion.targets, errors, strict=True)})
        if (loss := float(criterion(result, held_out))) < best:
            best = loss
            models.save_model(average.module, checkpoint, overwrite=True)
    draw_parity(checkpoint, test, criterion.targets)


if __name__ == "__main__":
    main()
