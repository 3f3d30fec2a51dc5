"""Time of a training step of the networks, part by part: ``python -m benchmarks.models``.

One thread, float32, periodic fluids of 64 Gay-Berne ellipsoids. Times are medians of interleaved runs.
Embedding and edges are timed with first and second derivatives, as needed by a loss on forces and torques.
A step whose convolutions are chains of separate operations (:mod:`benchmarks.convolution`) runs beside it.
The peak memory of a step is measured for both, each in a process of its own.
"""

import argparse
import multiprocessing
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.fitting import MechanicsLoss
from anisoap_e3nn.gay_berne import gay_berne_fluids
from anisoap_e3nn.graph import InteractionGraph
from anisoap_e3nn.networks import MACEStylePotential, NequIPStylePotential
from anisoap_e3nn.networks.message_passing import MessagePassingPotential
from anisoap_e3nn.potentials import compile_mechanics, mechanics

from .convolution import chained
from .memory import peak_memory
from .timing import interleaved_medians

CUTOFF = 3.0


def potentials() -> dict[str, MessagePassingPotential]:
    """Networks of 32 channels with l ≤ 2 and two layers."""
    torch.manual_seed(0)
    irreps = "32x0e + 32x1o + 32x2e"
    return {
        "NequIP-style": NequIPStylePotential([0], CUTOFF, irreps, n_layers=2),
        "MACE-style": MACEStylePotential([0], CUTOFF, 32, 2, 2, n_layers=2),
    }


def step(
    potential: MessagePassingPotential,
    batch: Batch,
    frames: list[EllipsoidData],
    evaluate: Callable[[Any], Any] | None = None,
) -> Callable[[], None]:
    """A step of training on energies, forces and torques, without the optimizer's."""
    criterion = MechanicsLoss(frames)
    evaluate = evaluate or (lambda data: mechanics(potential, data, create_graph=True))

    def run() -> None:
        criterion(evaluate(batch), batch).backward()
        potential.zero_grad()

    return run


def step_memory(name: str, as_chain: bool, n_frames: int) -> float:
    """Peak memory of a step in MB, above that of the process before it."""
    torch.set_num_threads(1)
    frames = gay_berne_fluids(n_frames, 64, n_sweeps=20)
    potential = potentials()[name]
    potential.standardize(frames[:1])
    if as_chain:
        potential = chained(potential)
    batches = [Batch.from_data_list(some).with_edges(CUTOFF) for some in (frames[:1], frames)]
    step(potential, batches[0], frames)()  # imports and constants
    return peak_memory(step(potential, batches[1], frames))


def pieces(
    potential: MessagePassingPotential, frames: list[EllipsoidData], compiled: bool
) -> dict[str, Callable[[], Any]]:
    """Parts of a training step, in order, and the whole step."""
    batch = Batch.from_data_list(frames).with_edges(CUTOFF)
    edges = InteractionGraph(batch, CUTOFF).edges(CUTOFF)
    leaves = [x.clone().requires_grad_() for x in (edges.edge_vectors, batch.orientations)]

    def embedding(edge_vectors: Tensor, orientations: Tensor) -> list[Tensor]:
        data = (batch.types, orientations, batch.semiaxes)
        return [potential.embedding(edge_vectors, edges.edge_index, *data)]

    def encoding(edge_vectors: Tensor, orientations: Tensor) -> list[Tensor]:
        data = (orientations, batch.semiaxes)
        return list(potential.edge_encoding(edge_vectors, edges.edge_index, *data))

    def derived(function: Callable[..., list[Tensor]]) -> Callable[[], Any]:
        def run() -> Any:
            values = function(*leaves)
            cotangents = [torch.ones_like(x, requires_grad=True) for x in values]
            options = {"allow_unused": True, "materialize_grads": True}
            gradients = torch.autograd.grad(
                values, leaves, cotangents, create_graph=True, **options
            )
            total = sum(x.square().sum() for x in gradients)
            return torch.autograd.grad(total, [*leaves, *cotangents], **options)

        return run

    work: dict[str, Callable[[], Any]] = {
        "data": lambda: Batch.from_data_list(frames),
        "graph": lambda: Batch.from_data_list(frames).with_edges(CUTOFF),
        "embedding": derived(embedding),
        "edges": derived(encoding),
        "energies": lambda: potential(batch),
        "forces": lambda: mechanics(potential, batch),
        "step": step(potential, batch, frames),
        "chained": step(chained(potential), batch, frames),
    }
    if compiled:
        compiled_mechanics = compile_mechanics(potential, create_graph=True)
        work["compiled"] = step(potential, batch, frames, compiled_mechanics)
    return work


def report(
    name: str, potential: MessagePassingPotential, frames: list[EllipsoidData], arguments: Any
) -> None:
    potential.standardize(frames)
    work = pieces(potential, frames, arguments.compile)
    seconds = interleaved_medians(work, arguments.rounds, name)
    graph, of_step = seconds["graph"] - seconds["data"], seconds["step"]
    whole = seconds["data"] + graph + of_step
    n_weights = sum(p.numel() for p in potential.parameters())
    print(f"\n{name}, {n_weights} weights: a training step takes {1e3 * whole:.0f} ms")
    parts = {
        "data": seconds["data"],
        "graph": graph,
        "embedding and its derivatives": seconds["embedding"],
        "edges and their derivatives": seconds["edges"],
        "network and its derivatives": of_step - seconds["embedding"] - seconds["edges"],
    }
    passes = {
        "energies": seconds["energies"],
        "backward, to forces and torques": seconds["forces"] - seconds["energies"],
        "backward, to weights": of_step - seconds["forces"],
    }
    for kind, rows in (("part", parts), ("pass", passes)):
        print(f"| {kind} | ms | % of the step |\n| --- | --- | --- |")
        for row, time in rows.items():
            print(f"| {row} | {1e3 * time:.1f} | {100 * time / whole:.1f} |")
    ratio = seconds["chained"] / of_step
    print(
        f"With chains: {1e3 * seconds['chained']:.0f} ms, {ratio:.2f} times the step's {1e3 * of_step:.0f}."
    )
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
        cases = [(name, as_chain, arguments.frames) for as_chain in (False, True)]
        ours, chains = processes.starmap(step_memory, cases, chunksize=1)
    print(
        f"Peak memory: {ours:.0f} MB, with chains {chains:.0f} MB, a ratio of {chains / ours:.1f}."
    )
    if arguments.compile:
        ratio = of_step / seconds["compiled"]
        print(f"Compiled: {1e3 * seconds['compiled']:.0f} ms, {ratio:.2f} times as fast.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=8, help="fluids in a batch")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument(
        "--compile", action="store_true", help="also time compiled models (takes minutes)"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    frames = gay_berne_fluids(arguments.frames, 64, n_sweeps=20)
    n_edges = Batch.from_data_list(frames).with_edges(CUTOFF).num_edges
    print(f"torch {torch.__version__}, {arguments.frames} × 64 particles, {n_edges} edges")
    for name, potential in potentials().items():
        report(name, potential, frames, arguments)


if __name__ == "__main__":
    main()
