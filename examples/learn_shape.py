"""Learn the shapes of two particle types from energies of pairs.

The energy of a pair is the overlap of two Gaussian ellipsoids, which has a closed form (Berne and Pechukas,
J. Chem. Phys. 56, 4213, 1972). The model gets positions and orientations of the particles, but not their
semi-axes: it starts from spheres.
"""

import argparse
from pathlib import Path

import torch
from matplotlib import pyplot as plt
from torch import Tensor
from torch_geometric.data import Batch
from tqdm import trange

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.geometry import covariances
from anisoap_e3nn.potentials import ParticleShapes

CUTOFF = 8.0
TRUE_SEMIAXES = torch.tensor([[0.5, 0.9, 1.5], [0.5, 1.3, 1.3]])  # a lath and a disk


class OverlapEnergy(torch.nn.Module):
    """Half the overlap of each density with the others, a scalar product in the orthonormal basis."""

    def __init__(self) -> None:
        super().__init__()
        basis = {"max_angular": 6, "radial_gaussian_width": 1.0, "cutoff_function": "polynomial"}
        self.shapes = ParticleShapes(types=[0, 1], semiaxes=[1.0, 1.0, 1.0])
        self.everyone = AniSOAPEmbedding([0], CUTOFF, **basis)
        self.others = AniSOAPEmbedding([0], CUTOFF, **basis, include_self=False)

    def forward(self, data: EllipsoidData) -> Tensor:
        data = self.shapes(data)
        data.types = torch.zeros_like(data.types)  # one density of all types
        everyone, others = self.everyone(data), self.others(data)  # -> [particle, coefficient]
        return 0.5 * ((everyone - others) * others).sum(1)  # -> [particle]


def random_pair() -> EllipsoidData:
    direction = torch.nn.functional.normalize(torch.randn(3), dim=0)
    pos = torch.stack([torch.zeros(3), (0.5 + 3 * torch.rand(1)) * direction])
    types = torch.randint(2, (2,))
    return EllipsoidData(pos, torch.randn(2, 4), TRUE_SEMIAXES[types], types)


def overlaps(pairs: Batch) -> Tensor:
    """N(r; 0, Σ₁ + Σ₂) of each pair."""
    sums = covariances(pairs.orientations, pairs.semiaxes).view(-1, 2, 3, 3).sum(1)
    r = pairs.pos.view(-1, 2, 3).diff(dim=1).squeeze(1)  # -> [pair, 3]
    return torch.distributions.MultivariateNormal(torch.zeros(3), sums).log_prob(r).exp()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("learn_shape.png"), help="the figure")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing figure")
    arguments = parser.parse_args()
    if arguments.output.exists() and not arguments.overwrite:
        parser.error(f"{arguments.output} exists; use --overwrite, or give another --output")
    torch.manual_seed(0)

    pairs = Batch.from_data_list([random_pair() for _ in range(500)]).with_edges(CUTOFF)
    energies = overlaps(pairs)
    pairs.semiaxes.zero_()  # hidden from the model
    model = OverlapEnergy()
    search = {"max_iter": 1, "max_eval": 20, "line_search_fn": "strong_wolfe"}
    optimizer = torch.optim.LBFGS(model.parameters(), **search)

    def loss() -> Tensor:
        optimizer.zero_grad()
        error = (model(pairs).view(-1, 2).sum(1) - energies).square().mean() / energies.var()
        error.backward()
        return error.detach()

    history = [model.shapes.semiaxes.detach()]
    for _ in (bar := trange(15, desc="semi-axes")):
        bar.set_postfix(relative_error=f"{optimizer.step(loss).sqrt():.4f}")
        history.append(model.shapes.semiaxes.detach())
    for type_, (found, true) in enumerate(zip(history[-1], TRUE_SEMIAXES, strict=True)):
        # sorted, since the order of the axes is arbitrary
        print(f"type {type_}: {found.sort().values.numpy().round(3)}, true {true.numpy()}")

    _, panel = plt.subplots(figsize=(6, 4), layout="constrained")
    for type_, color in enumerate(("tab:blue", "tab:red")):
        curves = torch.stack(history)[:, type_].numpy()
        panel.plot(curves, color=color, label=[f"type {type_}", None, None])
        panel.hlines(TRUE_SEMIAXES[type_], 0, len(history) - 1, color, "dotted")
    panel.set(xlabel="step", ylabel="semi-axes", title="From spheres to the true shapes (dotted)")
    panel.legend(frameon=False, loc="upper right", bbox_to_anchor=(1, 0.7))
    panel.spines[["top", "right"]].set_visible(False)
    plt.savefig(arguments.output, dpi=150)
    print(f"figure: {arguments.output}")


if __name__ == "__main__":
    main()
