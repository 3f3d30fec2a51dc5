"""Steps of networks on an NVIDIA GPU: training, and energies with forces and torques, beside one CPU thread.

python -m benchmarks.gpu_step

Networks are those of ``python -m benchmarks.models``, in float32. A step of training is energies, forces and
torques and the backward pass to the weights. Force calls are timed eagerly, captured in a CUDA graph, and
compiled.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch_geometric.data import Batch

from anisoap_e3nn.fitting import MechanicsLoss
from anisoap_e3nn.gay_berne import gay_berne_fluids
from anisoap_e3nn.potentials import ManyBodyPotential, compile_mechanics, mechanics

from .models import CUTOFF, potentials
from .timing import device_milliseconds


def training(potential: torch.nn.Module, batch: Any, loss: MechanicsLoss) -> Callable[[], None]:
    def step() -> None:
        loss(mechanics(potential, batch, create_graph=True), batch).backward()
        potential.zero_grad()

    return step


def captured(run: Callable[[], object]) -> Callable[[], None]:
    """The same work, replayed from a CUDA graph."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def host_milliseconds(run: Callable[[], object], rounds: int = 3) -> float:
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times[1:])


def report(name: str, potential: torch.nn.Module, frames: list[Any], arguments: Any) -> None:
    loss = MechanicsLoss(frames)
    few = Batch.from_data_list(frames[:8])
    cpu_step = host_milliseconds(training(potential, few, loss)) if arguments.cpu else float("nan")
    cpu_call = (
        host_milliseconds(lambda: mechanics(potential, few)) if arguments.cpu else float("nan")
    )
    potential, loss = copy.deepcopy(potential).cuda(), loss.cuda()
    for n_frames in arguments.frames:
        batch = Batch.from_data_list((frames * n_frames)[:n_frames]).to("cuda")
        torch.cuda.reset_peak_memory_stats()
        step = device_milliseconds(training(potential, batch, loss), 5)
        peak = torch.cuda.max_memory_allocated() / 1e9

        def call(batch: Any = batch) -> object:
            return mechanics(potential, batch)

        eager, graph = device_milliseconds(call, 5), device_milliseconds(captured(call), 5)
        compiled = float("nan")
        if arguments.compile and n_frames == arguments.frames[0]:
            function = compile_mechanics(potential)
            compiled = device_milliseconds(lambda b=batch, f=function: f(b), 5)
        print(
            f"| {name} | {batch.pos.shape[0]} | {batch.num_edges} | {step:.2f} | {eager:.2f} | {graph:.2f} "
            f"| {compiled:.2f} | {peak:.2f} GB | {cpu_step:.0f} | {cpu_call:.0f} |",
            flush=True,
        )
        cpu_step = cpu_call = float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--frames", type=int, nargs="+", default=[8, 64, 512], help="of 64 particles"
    )
    parser.add_argument(
        "--compile", action="store_true", help="also time compiled models (takes minutes)"
    )
    parser.add_argument("--cpu", action="store_true", help="also time 8 frames on one CPU thread")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(torch.__version__, torch.cuda.get_device_name())
    frames = [frame.with_edges(CUTOFF) for frame in gay_berne_fluids(8, 64, n_sweeps=20)]
    print(
        "| model | particles | edges | ms: training step | force call | captured | compiled | peak "
        "| CPU step | CPU call |\n" + "| --- " * 10 + "|"
    )
    models = potentials() | {"many-body": ManyBodyPotential([0], CUTOFF, 6, 4)}
    for name, potential in models.items():
        if name == "many-body":
            torch.nn.init.normal_(potential.weights)
        report(name, potential, frames, arguments)


if __name__ == "__main__":
    main()
