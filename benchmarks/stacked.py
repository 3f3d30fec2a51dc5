"""Speed-up by one graph for all parts of a potential: ``python -m benchmarks.stacked``.

Energy, forces, torques and virial of one-body, pair and many-body potentials for rock salt of random
ellipsoids; one thread, float64. Also what gradients of pairs by their kernel add to it, against autograd's.
Times are medians of interleaved runs; on a shared machine quote the ratios.
"""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from anisoap_e3nn.graph import VerletList
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    Mechanics,
    OneBodyPotential,
    PairPotential,
    StackedPotential,
    mechanics,
)

from .energies import ellipsoids
from .systems import crystal
from .timing import interleaved_medians

SYSTEMS = [(2, 2, 2), (4, 4, 2), (5, 5, 4), (10, 25, 5)]  # 64, 256, 800 and 10 000 particles
TYPES = [11, 17]
PAIR_CUTOFF, MANY_BODY_CUTOFF, SKIN = 6.0, 5.0, 0.5
ROUNDS = 9


def potential() -> StackedPotential:
    torch.manual_seed(0)
    parts = [
        OneBodyPotential(TYPES),
        PairPotential(TYPES, PAIR_CUTOFF, n_radial=8, max_degree=4),
        ManyBodyPotential(TYPES, MANY_BODY_CUTOFF, 4),
    ]
    for part in parts:
        torch.nn.init.normal_(part.weights, std=1e-3)
    return StackedPotential(parts).double()


class ByAutograd(torch.nn.Module):
    """A potential whose own derivatives are not used."""

    def __init__(self, potential: PairPotential) -> None:
        super().__init__()
        self.potential, self.cutoff = potential, potential.cutoff

    def forward(self, data: Any) -> Tensor:
        return self.potential(data)


class Trajectory:
    """The same particles with new small random displacements at every call."""

    def __init__(self, data: Any) -> None:
        self.data, self.start = copy.copy(data), data.pos
        self.generator = torch.Generator().manual_seed(0)

    def __call__(self) -> Any:
        moves = torch.rand(self.start.shape, generator=self.generator, dtype=self.start.dtype)
        self.data.pos = self.start + 0.1 * (moves - 0.5)
        return self.data


def apart(stacks: list[Any], data: Any) -> tuple[Mechanics, int]:
    """Result with a graph for each part, and the number of searches."""
    lists = [VerletList(stack.cutoff) if stack.cutoff else None for stack in stacks]
    results = [mechanics(stack, data, neighbors=x) for stack, x in zip(stacks, lists, strict=True)]
    total = Mechanics(*(sum(each) for each in zip(*results, strict=True)))
    return total, sum(x.n_searches for x in lists if x is not None)


def together(stack: StackedPotential, data: Any) -> tuple[Mechanics, int]:
    """Result with one graph for all parts, and the number of searches."""
    neighbors = VerletList(stack.cutoff) if stack.cutoff else None
    result = mechanics(stack, data, neighbors=neighbors)
    return result, 0 if neighbors is None else neighbors.n_searches


def compare(repeats: tuple[int, int, int]) -> tuple[str, str]:
    """Rows of the two tables for one crystal."""
    data = ellipsoids(crystal(*repeats))
    stack, trajectory = potential(), Trajectory(data)
    alone = [StackedPotential([part]) for part in stack.components]
    pair = stack.components[1]
    without_either = [alone[0], ByAutograd(pair), alone[2]]
    kept = VerletList(stack.cutoff, SKIN)
    mechanics(stack, data, neighbors=kept)
    result, searches_apart = apart(alone, data)
    shared, searches_together = together(stack, data)
    plain, _ = apart(without_either, data)
    difference = max(
        float((a - b).abs().max())
        for other in (result, plain)
        for a, b in zip(other, shared, strict=True)
    )
    work: dict[str, Callable[[], object]] = {
        "without either": lambda: apart(without_either, trajectory()),
        "apart": lambda: apart(alone, trajectory()),
        "together": lambda: together(stack, trajectory()),
        "kept": lambda: mechanics(stack, trajectory(), neighbors=kept),
    }
    before = kept.n_searches
    n = len(data.pos)
    ms = _milliseconds(work, f"{n} particles, graphs")
    searches_inside = kept.n_searches - before

    near = data.with_edges(PAIR_CUTOFF)
    gradients: dict[str, Callable[[], object]] = {
        "autograd": partial(mechanics, lambda x: pair(x), near),
        "analytic": partial(mechanics, pair, near),
    }
    ms |= _milliseconds(gradients, f"{n} particles, pair gradients")
    return (
        f"| {n} | {ms['apart']:.1f} ms | {ms['together']:.1f} ms | {ms['apart'] / ms['together']:.2f} | "
        f"{ms['kept']:.1f} ms | {ms['apart'] / ms['kept']:.2f} | {searches_apart}, "
        f"{searches_together}, {searches_inside} | {difference:.0e} |",
        f"| {n} | {near.num_edges // 2} | {ms['autograd']:.1f} ms | {ms['analytic']:.1f} ms | "
        f"{ms['autograd'] / ms['analytic']:.2f} | {ms['without either']:.1f} ms | "
        f"{ms['without either'] / ms['together']:.2f} |",
    )


def _milliseconds(work: dict[str, Callable[[], object]], description: str) -> dict[str, float]:
    medians = interleaved_medians(work, ROUNDS, description)
    return {name: 1e3 * seconds for name, seconds in medians.items()}


def main() -> None:
    torch.set_num_threads(1)
    rows = [compare(repeats) for repeats in SYSTEMS]
    print(
        f"torch {torch.__version__}, one thread, float64; pairs up to {PAIR_CUTOFF} Å, many-body up to "
        f"{MANY_BODY_CUTOFF} Å, skin {SKIN} Å\n"
    )
    print(
        "| particles | one graph per part | one graph | ratio | one graph, reused | ratio | searches: per "
        "part, one, reused | largest difference |"
    )
    print("| --- " * 8 + "|")
    print("\n".join(of_graphs for of_graphs, _ in rows))
    print(
        "\n| particles | pairs | pair potential by autograd | analytic | ratio | all parts, one graph per "
        "part, pairs by autograd | ratio to one graph |"
    )
    print("| --- " * 7 + "|")
    print("\n".join(of_gradients for _, of_gradients in rows))


if __name__ == "__main__":
    main()
