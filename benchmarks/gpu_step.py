"""Training steps and force calls on an NVIDIA GPU, beside one CPU thread: ``python -m benchmarks.gpu_step``.

Float32. Training steps are those of the networks of :mod:`benchmarks.models`, for batches of 8 and 64 frames
of 64 ellipsoids. Force calls are :func:`~anisoap_e3nn.potentials.mechanics` of 512 to 64 000 ellipsoids, with
given edges. All have the density of those fluids, but are near the sites of a lattice. Each is run eagerly,
compiled where torch can compile derivatives, and replayed from a CUDA graph. "The embedding" is its value
with first and second derivatives, as they occur in the step.
"""

import argparse
import copy
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.fitting import MechanicsLoss
from anisoap_e3nn.graph import edges_of
from anisoap_e3nn.networks import NequIPStylePotential
from anisoap_e3nn.networks.message_passing import MessagePassingPotential
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    PairPotential,
    compile_mechanics,
    mechanics,
)

from .models import CUTOFF, potentials
from .timing import device_milliseconds

SPACING = 0.27 ** (-1 / 3)  # of particles on a simple cubic lattice, for the fluid's density
COMPILES = torch.__version__ >= "2.13"


def solid(n_side: int, seed: int = 0) -> EllipsoidData:
    """Triaxial ellipsoids near the sites of a simple cubic lattice, in a periodic cube; random targets."""
    generator = torch.Generator().manual_seed(seed)
    sites = torch.cartesian_prod(*[torch.arange(float(n_side))] * 3)
    n = len(sites)
    return EllipsoidData(
        pos=SPACING * (sites + 0.2 * torch.rand(n, 3, generator=generator)),
        orientations=torch.randn(n, 4, generator=generator),
        semiaxes=torch.tensor([0.4, 0.5, 0.8]).repeat(n, 1),
        types=torch.zeros(n, dtype=torch.int64),
        cell=n_side * SPACING * torch.eye(3),
        pbc=True,
        energy=torch.randn(1, generator=generator),
        forces=torch.randn(n, 3, generator=generator),
        torques=torch.randn(n, 3, generator=generator),
    )


def training_step(
    model: MessagePassingPotential, loss: MechanicsLoss, batch: Any, evaluate: Callable[[Any], Any]
) -> Callable[[], None]:
    def run() -> None:
        model.zero_grad()
        loss(evaluate(batch), batch).backward()

    return run


def embedding_derivatives(model: MessagePassingPotential, batch: Any) -> Callable[[], Any]:
    """First and second derivatives of the embedding, as a loss on forces and torques needs them."""
    edges = edges_of(batch, CUTOFF)
    leaves = [x.detach().clone().requires_grad_() for x in (edges.edge_vectors, batch.orientations)]

    def run() -> Any:
        vectors, orientations = leaves
        x = model.embedding(vectors, edges.edge_index, batch.types, orientations, batch.semiaxes)
        g = torch.ones_like(x, requires_grad=True)
        first = torch.autograd.grad(x, leaves, g, create_graph=True)
        return torch.autograd.grad(sum(d.square().sum() for d in first), [*leaves, g])

    return run


def captured(run: Callable[[], object]) -> Callable[[], object]:
    """Replay of what a function does, after three calls to warm up."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        kept = run()

    def replay() -> object:
        graph.replay()
        return kept

    return replay


def on_cpu(run: Callable[[], object], rounds: int) -> float:
    """Shortest time of a call on the CPU, in ms."""
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times[-rounds:])


def attempt(run: Callable[[], float]) -> str:
    """A time in ms, or why there is none."""
    try:
        return f"{run():.2f}"
    except (RuntimeError, torch.OutOfMemoryError) as error:
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        return f"({str(error).splitlines()[0]:.60})"


def row(
    name: str, cpu: float | None, eager: Callable[[], object], compiled: Callable[[], object] | None
) -> None:
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    base = torch.cuda.memory_allocated()
    times = [attempt(lambda: device_milliseconds(eager, 7))]
    peak = (torch.cuda.max_memory_allocated() - base) / 1e9
    times.append("-" if compiled is None else attempt(lambda: device_milliseconds(compiled, 7)))
    times.append(attempt(lambda: device_milliseconds(captured(eager), 7)))
    shown = "-" if cpu is None else f"{cpu:.1f}"
    print(f"{name} | {shown} | {' | '.join(times)} | {peak:.2f} GB", flush=True)


def training(n_frames: int, rounds: int) -> None:
    frames = [solid(4, seed) for seed in range(n_frames)]
    for name, model in potentials().items():
        model.standardize(frames[:8])
        batch = Batch.from_data_list(frames).with_edges(CUTOFF)

        def evaluate(data: Any, model: Any = model) -> Any:
            return mechanics(model, data, create_graph=True)

        loss = MechanicsLoss(frames)
        cpu = on_cpu(training_step(model, loss, batch, evaluate), rounds)
        model, loss, batch = model.cuda(), loss.cuda(), batch.to("cuda")
        step, compiled = training_step(model, loss, batch, evaluate), None
        if COMPILES:
            compiled = training_step(
                model, loss, batch, compile_mechanics(model, create_graph=True)
            )
        row(f"{name} {n_frames} frames {batch.num_edges} edges", cpu, step, compiled)
        part = embedding_derivatives(model, batch)
        row("  of it the embedding", None, part, None)


def force_calls(sizes: list[int], most_on_cpu: int) -> None:
    torch.manual_seed(0)
    models = {
        "pair": PairPotential([0], CUTOFF),
        "many-body": ManyBodyPotential([0], CUTOFF),
        "NequIP-style": NequIPStylePotential([0], CUTOFF, "32x0e + 32x1o + 32x2e", n_layers=1),
    }
    for n_side in sizes:
        data = solid(n_side)
        listed = on_cpu(lambda data=data: data.with_edges(CUTOFF), 1)
        moved = copy.copy(data).to("cuda")
        on_gpu = device_milliseconds(lambda moved=moved: moved.with_edges(CUTOFF), 5)
        data = data.with_edges(CUTOFF)
        print(f"neighbour list {len(data.pos)} | {listed:.1f} | {on_gpu:.2f}", flush=True)
        for name, model in models.items():
            for weights in model.parameters():
                torch.nn.init.normal_(weights, std=0.1)
            few = len(data.pos) <= most_on_cpu or name == "pair"
            model, moved = model.cpu(), copy.copy(data).to("cuda")

            def call(model: Any = model, data: Any = data) -> list[Tensor]:
                return list(mechanics(model, data))

            cpu = on_cpu(call, 1) if few else None
            model = model.cuda()

            def call_on_gpu(model: Any = model, moved: Any = moved) -> list[Tensor]:
                return list(mechanics(model, moved))

            compiled = None
            if COMPILES:
                evaluate = compile_mechanics(model)
                compiled = lambda evaluate=evaluate, moved=moved: evaluate(moved)  # noqa: E731
            row(f"{name} {len(data.pos)} {data.num_edges} edges", cpu, call_on_gpu, compiled)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, nargs="*", default=[8, 64])
    parser.add_argument("--sides", type=int, nargs="*", default=[8, 20, 40])
    parser.add_argument("--rounds", type=int, default=3, help="of training steps on the CPU")
    parser.add_argument("--most-on-cpu", type=int, default=8000, help="particles of force calls")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name()}")
    print("what | CPU, ms | eager | compiled | CUDA graph | peak memory of eager")
    for n_frames in arguments.frames:
        training(n_frames, arguments.rounds)
    force_calls(arguments.sides, arguments.most_on_cpu)


if __name__ == "__main__":
    main()
