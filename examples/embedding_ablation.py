"""What should come first in a network: nothing, the particle's own shape, or the density around it?

NequIP-style networks of one layer that differ in their first layer alone are trained on equal terms, with
edges that know the orientations of their particles and with plain ones. The data are pairs, a dense fluid,
that fluid with an energy of the local nematic order, which is no sum over pairs, and the mean forces of
liquid benzene. Each training appends a line to results.csv in the folder, and those that are there already
are not repeated. All of them take some hours:

    python examples/embedding_ablation.py ablation
    python examples/embedding_ablation.py ablation --data benzene --seeds 0
"""

import argparse
import copy
import csv
import statistics
from collections.abc import Callable
from itertools import groupby, product
from pathlib import Path
from typing import Any

import torch
from benzene.prepare import frames
from e3nn import o3
from fluid_models import fluids
from matplotlib import pyplot as plt
from torch import Tensor
from torch_geometric.data import Batch
from torch_geometric.loader import DataLoader
from train_pyg import Frames, train

from anisoap_e3nn.fitting import MechanicsLoss, predict
from anisoap_e3nn.gay_berne import NematicOrder, gay_berne_pairs, label_frames, triaxial_gay_berne
from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.networks import NequIPStylePotential
from anisoap_e3nn.networks.particle_encoding import ParticleEncoding

CUTOFFS = {"pairs": 4.5, "fluid": 3.0, "ordering fluid": 3.0, "benzene": 8.0}
EPOCHS = {"pairs": 60, "fluid": 20, "ordering fluid": 20, "benzene": 10}
EDGES = ("plain", "oriented")
TARGETS = ("energy", "forces", "torques")


class Shape(torch.nn.Module):
    """A first layer that knows the particle alone: 1, or its shape tensor as 1x0e + 1x2e."""

    def __init__(self, irreps_out: str, type_index: torch.nn.Module) -> None:
        super().__init__()
        self.irreps_out, self.type_index = o3.Irreps(irreps_out), type_index

    def forward(self, edge_vectors: Tensor, edge_index: Tensor, types: Tensor,
                orientations: Tensor, semiaxes: Tensor) -> Tensor:  # fmt: skip
        axes = rotation_matrices(orientations).mT  # -> [particle, axis, 3]
        Y = o3.spherical_harmonics(
            self.irreps_out.ls, axes, normalize=True
        )  # -> [particle, axis, lm]
        return (semiaxes.square()[:, :, None] * Y).sum(1)  # -> [particle, irreps_out.dim]


class ShapeEncoding(torch.nn.Module):
    """Features from the shape, zero for those irreps that it lacks."""

    def __init__(self, irreps_in: o3.Irreps, irreps_out: o3.Irreps) -> None:
        super().__init__()
        found = [(each, where) for each, where in zip(irreps_out, irreps_out.slices(), strict=True)
                 if each.ir in irreps_in]  # fmt: skip
        self.known = ParticleEncoding(irreps_in, [each for each, _ in found], n_types=1)
        self.dim, self.columns = (
            irreps_out.dim,
            [k for _, s in found for k in range(s.start, s.stop)],
        )

    def forward(self, shape: Tensor, type_index: Tensor) -> Tensor:
        h = shape.new_zeros(len(shape), self.dim)  # -> [particle, irreps_out.dim]
        h[:, self.columns] = self.known(shape, type_index)
        return h

    def fit(self, shape: Tensor) -> None:
        self.known.fit(shape)


def build(first: str, cutoff: float, edge_orientations: bool) -> NequIPStylePotential:
    arguments: dict[str, Any] = {"n_layers": 1, "edge_orientations": edge_orientations}
    if first == "AniSOAP as it was":
        as_it_was = {"max_radial": None, "density_width": 1.0, "include_self": True}
        arguments |= as_it_was | {"radial_gaussian_width": cutoff / 4}
    potential = NequIPStylePotential([0], cutoff, **arguments)
    if first in SHAPES:
        potential.embedding = Shape(SHAPES[first], potential.embedding.type_index)
        irreps = potential.embedding.irreps_out, potential.irreps_features
        potential.encoding, potential.density_energy = ShapeEncoding(*irreps), None
    if first == "own density":
        assert potential.density_energy is not None
        torch.nn.init.zeros_(potential.density_energy.encoding.gain).requires_grad_(False)
    return potential


SHAPES = {"nothing": "0e", "shape tensor": "0e + 2e"}
FIRST = (*SHAPES, "own density", "AniSOAP as it was", "AniSOAP")


def pairs() -> list[Frames]:
    return list(gay_berne_pairs(sizes=(512, 128, 388), dtype=torch.float32))


def ordering_fluid() -> list[Frames]:
    """The fluid's frames with an energy of the local order; its forces are a quarter of all."""
    gay_berne, order = triaxial_gay_berne(3.0, 0.5), NematicOrder(3.0, strength=250.0)

    def energies(data: Any) -> Tensor:
        return gay_berne(data) + order(data)

    return [label_frames(energies, frames) for frames in fluids(40)]


def benzene() -> list[Frames]:
    shares = ("train", "validation", "test")
    return [list(frames(share, dtype=torch.float32)) for share in shares]


DATA: dict[str, Callable[[], list[Frames]]] = {
    "pairs": pairs,
    "fluid": lambda: fluids(40),
    "ordering fluid": ordering_fluid,
    "benzene": benzene,
}


def errors(data: str, shares: list[Frames], first: str, edges: str, seed: int) -> list[float]:
    """Root mean square errors on the test set, relative to the standard deviations of the data."""
    torch.manual_seed(seed)
    model = build(first, CUTOFFS[data], edges == "oriented")
    loader = DataLoader(shares[0], 32 if data == "pairs" else 1, shuffle=True)
    best = copy.deepcopy(model)
    train(model, loader, shares[1], EPOCHS[data], lambda x: best.load_state_dict(x.state_dict()))
    loss, test = MechanicsLoss(shares[2]), Batch.from_data_list(shares[2])
    squares = loss.squared_errors(predict(best, shares[2]), test) / loss.variances
    found = dict(zip(loss.targets, squares.sqrt().tolist(), strict=True))
    return [found.get(target, float("nan")) for target in TARGETS]


def read(path: Path) -> dict[tuple[str, ...], list[float]]:
    if not path.exists():
        return {}
    with path.open() as file:
        return {tuple(row[:4]): list(map(float, row[4:])) for row in csv.reader(file)}


def print_tables(results: dict[tuple[str, ...], list[float]]) -> None:
    """Means and standard deviations over seeds, in per cent of the data's standard deviations."""
    for (data, edges), rows in groupby(sorted(results, key=order), lambda key: key[:2]):
        print(f"\n| {data}, {edges} edges | " + " | ".join(TARGETS) + " | seeds |")
        print("| --- | --- | --- | --- | --- |")
        for first, keys in groupby(rows, lambda key: key[2]):
            runs = [results[key] for key in keys]
            cells = [with_spread([100 * run[k] for run in runs]) for k in range(len(TARGETS))]
            print(f"| {first} | " + " | ".join(cells) + f" | {len(runs)} |")


def order(key: tuple[str, ...]) -> tuple[Any, ...]:
    data, edges, first, seed = key
    return list(DATA).index(data), EDGES.index(edges), FIRST.index(first), seed


def with_spread(values: list[float]) -> str:
    if any(value != value for value in values):
        return ""
    spread = f" ± {statistics.stdev(values):.2g}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3g}{spread}"


def draw(results: dict[tuple[str, ...], list[float]], path: Path) -> None:
    """Draw the errors of forces, a symbol for each seed."""
    shown = [data for data in DATA if any(key[0] == data for key in results)]
    _, panels = plt.subplots(
        1,
        len(shown),
        figsize=(3 * len(shown) + 1, 2.6),
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    for panel, data in zip(panels[0], shown, strict=True):
        for edges, face in (("plain", "white"), ("oriented", "tab:blue")):
            keys = [key for key in sorted(results, key=order) if key[:2] == (data, edges)]
            x = [100 * results[key][1] for key in keys]
            y = [FIRST.index(key[2]) for key in keys]
            panel.plot(x, y, "o", color="tab:blue", markerfacecolor=face, label=f"{edges} edges")
        panel.set(title=data, xscale="log", xlabel="error of forces, %", yticks=range(len(FIRST)))
        panel.set_yticklabels(FIRST)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", color="0.9")
    panels[0, 0].invert_yaxis()
    panels[0, 0].legend(frameon=False)
    plt.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where results are, or will be")
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--edges", nargs="+", choices=EDGES, default=list(EDGES))
    parser.add_argument("--first", nargs="+", choices=FIRST, default=list(FIRST))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    arguments.folder.mkdir(exist_ok=True)
    path = arguments.folder / "results.csv"
    for data in arguments.data:
        shares: list[Frames] | None = None
        for case in product(arguments.seeds, arguments.edges, arguments.first):
            seed, edges, first = case
            key = (data, edges, first, str(seed))
            if key in read(path):
                continue
            if shares is None:
                shares = [[x.with_edges(CUTOFFS[data]) for x in some] for some in DATA[data]()]
            print(*key)
            found = errors(data, shares, first, edges, seed)
            with path.open("a", newline="") as file:
                csv.writer(file).writerow([*key, *found])
    results = read(path)
    print_tables(results)
    draw(results, arguments.folder / "ablation.png")


if __name__ == "__main__":
    main()
