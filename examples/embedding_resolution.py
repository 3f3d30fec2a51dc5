"""What an embedding resolves of a dense Gay-Berne fluid: a table, and a slice through two neighbours.

The table shows R² of each particle's energy, fitted linearly to its power spectrum, on frames not fitted,
and the fraction of the neighbours' density that the expansion keeps. Ridges were chosen on validation frames.

    python examples/embedding_resolution.py --figure embedding_resolution.png
"""

import argparse
from pathlib import Path
from typing import Any

import torch
from matplotlib import pyplot as plt
from torch import Tensor
from torch_geometric.data import Batch
from tqdm import tqdm

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData, PowerSpectrum
from anisoap_e3nn.gay_berne import gay_berne_fluids, triaxial_gay_berne
from anisoap_e3nn.geometry import covariances
from anisoap_e3nn.graph import edges_of
from anisoap_e3nn.nn import expanded_density, kept_density, suggest_hyperparameters

CUTOFF = 3.0
NARROW = {"density_width": 0.3, "radial_gaussian_width": 0.4}
EMBEDDINGS: dict[str, dict[str, Any]] = {
    "l ≤ 6, n coupled to l, σ = cutoff/4, density width 1": {
        "max_angular": 6,
        "radial_gaussian_width": CUTOFF / 4,
    },
    "l ≤ 6, n ≤ 4, σ 0.4, density width 0.3": {"max_angular": 6, "max_radial": 4, **NARROW},
    "l ≤ 8, n ≤ 6, σ 0.4, density width 0.3": {"max_angular": 8, "max_radial": 6, **NARROW},
    "l ≤ 10, n ≤ 8, σ 0.3, density width 0.3": {
        "max_angular": 10,
        "max_radial": 8,
        **NARROW,
        "radial_gaussian_width": 0.3,
    },
    "l ≤ 8, n ≤ 4, σ 0.2 and 0.4, density width 0.3": {
        "max_angular": 8,
        "max_radial": 4,
        **NARROW,
        "radial_gaussian_width": [0.2, 0.4],
    },
}


def build(arguments: dict[str, Any], include_self: bool | str) -> AniSOAPEmbedding:
    embedding = AniSOAPEmbedding(
        [0], CUTOFF, **arguments, cutoff_function="polynomial", include_self=include_self
    )
    return embedding.double()


@torch.no_grad()
def score(embedding: AniSOAPEmbedding, shares: list[Batch], energies: list[Tensor]) -> float:
    """R² on the last share of a ridge regression to the first, with the ridge that suits the second."""
    spectrum = PowerSpectrum(embedding.irreps_out, filter_ir_out=["0e"])
    features = [spectrum(embedding(batch)) for batch in shares]
    means, scales = features[0].mean(0), features[0].std(0)
    varies = scales > 1e-8 * features[0].abs().mean(0)
    X, V, T = (((x - means) / scales)[:, varies] for x in features)
    y, v, t = (x - energies[0].mean() for x in energies)
    U, S, Vh = torch.linalg.svd(X, full_matrices=False)
    fits = [Vh.mT @ (S / (S.square() + ridge) * (U.mT @ y)) for ridge in torch.logspace(-8, 1, 10)]
    best = min(fits, key=lambda w: float((V @ w - v).square().sum()))
    return 1 - float((T @ best - t).square().mean() / t.var(correction=0))


def draw(embeddings: dict[str, AniSOAPEmbedding], data: EllipsoidData, path: Path) -> None:
    """Draw the density around a particle and its expansions in the plane of its two nearest neighbours."""
    edges = edges_of(data, CUTOFF)
    of_first = edges.edge_index[1] == 0
    r, neighbors = edges.edge_vectors[of_first], edges.edge_index[0, of_first]
    nearest = r.norm(dim=1).argsort()[:2]
    x = r[nearest[0]] / r[nearest[0]].norm()
    y = r[nearest[1]] - (r[nearest[1]] @ x) * x
    axis = torch.linspace(-2, 2, 120, dtype=torch.float64) + 1e-6
    plane = torch.cartesian_prod(axis, axis) @ torch.stack([x, y / y.norm()])
    shapes = covariances(data.orientations, data.semiaxes)[neighbors]
    figure, panels = plt.subplots(
        2, len(embeddings), figsize=(3.1 * len(embeddings), 6.2), layout="constrained"
    )
    for (name, embedding), column in zip(embeddings.items(), panels.T, strict=True):
        width = embedding.density_width
        density = sum(
            torch.distributions.MultivariateNormal(center, width**2 * shape).log_prob(plane).exp()
            for center, shape in zip(r, shapes, strict=True)
        )
        expanded = expanded_density(embedding, embedding(data)[0], plane)
        top = float(density.max())
        for panel, values, title in zip(
            column, (density, expanded), (name, "its expansion"), strict=True
        ):
            image = values.view(len(axis), -1).T
            panel.imshow(
                image, extent=(-2, 2, -2, 2), origin="lower", cmap="RdBu_r", vmin=-top, vmax=top
            )
            panel.plot(0, 0, "k+")
            panel.set_title(title, fontsize=9)
            panel.set(xticks=(), yticks=())
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=80, help="frames to fit, at two temperatures")
    parser.add_argument("--figure", type=Path, help="output file of the slice")
    args = parser.parse_args()
    shares: list[list[EllipsoidData]] = [[], [], []]
    half, quarter = args.frames // 2, max(1, args.frames // 8)
    for seed, temperature in enumerate(tqdm((1.2, 3.0), desc="Monte Carlo", leave=False)):
        frames = gay_berne_fluids(
            half + 2 * quarter, temperature=temperature, n_sweeps=60, seed=seed, dtype=torch.float64
        )
        frames = [data.with_edges(CUTOFF) for data in frames]
        shares[0] += frames[:half]
        shares[1] += frames[half : half + quarter]
        shares[2] += frames[half + quarter :]
    batches = [Batch.from_data_list(some) for some in shares]
    potential = triaxial_gay_berne(CUTOFF, 0.5)
    energies = [potential(batch).detach() for batch in batches]
    suggestion = suggest_hyperparameters(shares[0], CUTOFF)
    print(f"suggested: {suggestion.hyperparameters}, since {suggestion.reason}")
    cases = EMBEDDINGS | {"as suggested": suggestion.hyperparameters}
    print("| embedding | density kept | R², own density added | R², own density apart |")
    print("| --- | --- | --- | --- |")
    for name, arguments in cases.items():
        kept = kept_density(build(arguments, False), shares[2][0]).mean()
        scores = [score(build(arguments, kind), batches, energies) for kind in (True, "separate")]
        print(f"| {name} | {kept:.2f} | {scores[0]:.3f} | {scores[1]:.3f} |")
    if args.figure is not None:
        shown = {
            "AniSOAP's density, l ≤ 6": build(cases[next(iter(cases))], False),
            "density width 0.3, l ≤ 6": build(
                cases["l ≤ 6, n ≤ 4, σ 0.4, density width 0.3"], False
            ),
            "as suggested": build(suggestion.hyperparameters, False),
        }
        draw(shown, shares[2][0], args.figure)
        print(f"figure: {args.figure}")


if __name__ == "__main__":
    main()
