"""Speed, memory and reproducibility of derivatives: ``python -m benchmarks.derivatives``.

One thread, float64, l_max 6. Times are medians of interleaved runs in one process. Runs of the torch backend
are not interleaved with the others: it frees gigabytes, so the next run pays for fresh memory pages. On a
shared machine quote the ratios.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import _native
from anisoap_e3nn.geometry import damped_covariances
from anisoap_e3nn.nn import PolynomialCutoff
from anisoap_e3nn.ops import gaussian_moments
from anisoap_e3nn.potentials import Mechanics, mechanics

from .embedding import BACKEND
from .energies import (
    CUTOFF,
    MAX_ANGULAR,
    InvariantEnergy,
    LinearEnergy,
    batch_of_crystals,
    ellipsoids,
    smooth_embedding,
)
from .memory import peak_memory
from .systems import System, crystal
from .timing import interleaved_medians

BACKENDS = ("native", "torch")


def sweeps(system: System) -> tuple[dict[str, Callable[[], Any]], int]:
    """The kernel's forward, backward and double backward pass, and the number of pairs.

    Derivatives are with respect to all inputs: edge vectors, covariances, weights and pair weights, and for
    the double backward pass the cotangent too. Graphs are built beforehand, so each pass is timed alone.
    """
    inputs = system.inputs(*system.search(CUTOFF))
    embedding = smooth_embedding("0e")
    n, beta = len(system.types), embedding.basis.exponent
    neighbors, centers = inputs["edge_index"]
    types = embedding.type_index(system.types)
    segments, own_segments = centers * 2 + types[neighbors], torch.arange(n) * 2 + types
    floats = [
        inputs["edge_vectors"],
        *damped_covariances(system.orientations, system.semiaxes, beta),
        PolynomialCutoff(CUTOFF)(inputs["edge_vectors"].norm(dim=1)),
    ]
    leaves = [tensor.detach().requires_grad_() for tensor in floats]

    def moments(r: Tensor, C: Tensor, w: Tensor, f: Tensor) -> Tensor:
        return gaussian_moments(
            r, neighbors, segments, 2 * n, C, w, f, own_segments,
            exponent=beta, degree=MAX_ANGULAR,
        )  # fmt: skip

    def value() -> Tensor:
        with torch.no_grad():
            return moments(*leaves)

    A = moments(*leaves)
    generator = torch.Generator().manual_seed(0)
    G = torch.randn(A.shape, generator=generator, dtype=A.dtype).requires_grad_()
    gradients = torch.autograd.grad(A, leaves, G, create_graph=True)
    V = [torch.randn(g.shape, generator=generator, dtype=g.dtype) for g in gradients]
    return {
        "forward": value,
        "backward": partial(torch.autograd.grad, A, leaves, G.detach(), retain_graph=True),
        "double": partial(torch.autograd.grad, gradients, [*leaves, G], V, retain_graph=True),
    }, len(neighbors)


def report_sweep() -> None:
    ns = {}
    for backend in BACKENDS:
        os.environ[BACKEND] = backend
        pieces, n_pairs = sweeps(crystal(6))
        medians = interleaved_medians(pieces, rounds=7, description=f"{backend} kernel")
        ns |= {f"{backend} {k}": 1e9 * seconds / n_pairs for k, seconds in medians.items()}
    print(f"\nKernel, all inputs, {n_pairs} pairs: ns per pair")
    print(
        f"{'backend':>8} | {'forward':>8} {'backward':>9} {'double backward':>16} | "
        f"{'backward / forward':>18} {'double / backward':>17}"
    )
    for backend in BACKENDS:
        first, second, third = (ns[f"{backend} {k}"] for k in ("forward", "backward", "double"))
        print(
            f"{backend:>8} | {first:>8.0f} {second:>9.0f} {third:>16.0f} | "
            f"{second / first:>18.2f} {third / second:>17.2f}"
        )
    ratios = (ns[f"torch {k}"] / ns[f"native {k}"] for k in ("forward", "backward", "double"))
    print("torch / native: {:.0f}, {:.0f} and {:.0f}".format(*ratios))
    print("targets of the native backend: backward / forward ≤ 2.5, double / backward ≤ 4")


def report_mechanics() -> None:
    system, model = crystal(6), LinearEnergy()
    searching = ellipsoids(system)
    data = searching.with_edges(CUTOFF)
    n_pairs = data.num_edges

    def energy() -> Tensor:
        with torch.no_grad():
            return model(data).sum()

    pieces: dict[str, Callable[[], object]] = {
        "energy": energy,
        "mechanics": partial(mechanics, model, data),
        "whole": partial(mechanics, model, searching),
    }
    ns = {}
    for backend in BACKENDS:
        os.environ[BACKEND] = backend
        medians = interleaved_medians(pieces, rounds=7, description=f"{backend} mechanics")
        ns |= {f"{backend} {k}": 1e9 * seconds / n_pairs for k, seconds in medians.items()}
    print(f"\nLinear model, {len(system.types)} particles, {n_pairs} pairs: ns per pair")
    print(
        f"{'backend':>8} | {'energy':>7} {'with forces, torques, virial':>28} {'ratio':>6} | "
        f"{'neighbours too':>14}"
    )
    for backend in BACKENDS:
        alone, all_, whole = (ns[f"{backend} {k}"] for k in ("energy", "mechanics", "whole"))
        print(f"{backend:>8} | {alone:>7.0f} {all_:>28.0f} {all_ / alone:>6.2f} | {whole:>14.0f}")
    print("targets of the native backend: ratio ≤ 4, and 10 × faster than featomic")
    try:
        from .baselines.featomic_gradients import VERSION, featomic_gradients
    except ImportError as error:
        print(f"featomic is left out ({error}); pip install featomic")
        return
    os.environ[BACKEND] = "native"
    baseline = featomic_gradients(system, CUTOFF, MAX_ANGULAR, n_pairs)
    work = {"featomic": baseline, "ours": pieces["whole"]}
    medians = interleaved_medians(work, rounds=7, description="featomic")
    print(
        f"featomic {VERSION}, SphericalExpansion of spheres with position gradients: "
        f"{1e9 * medians['featomic'] / n_pairs:.0f}, {medians['featomic'] / medians['ours']:.1f} × the "
        f"time of the native backend in the same run, {1e9 * medians['ours'] / n_pairs:.0f}; both search for "
        "neighbours"
    )


def training_step(model: torch.nn.Module, optimizer: torch.optim.Optimizer, batch: Any) -> Tensor:
    result = mechanics(model, batch, create_graph=True)
    loss = sum(
        (getattr(result, name) - getattr(batch, name)).square().mean()
        for name in ("energy", "forces", "torques")
    )
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def measure_training() -> None:
    """Time and memory of training steps; run it in a process of its own."""
    model, batch = InvariantEnergy(), batch_of_crystals()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    training_step(model, optimizer, Batch.from_data_list(batch.to_data_list()[:1]))
    step = partial(training_step, model, optimizer, batch)
    peak = peak_memory(step)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    print(
        f"Training step on energies, forces and torques of 32 crystals of 100 particles, "
        f"{batch.num_edges} pairs: {1e3 * statistics.median(seconds):.0f} ms, "
        f"peak {peak:.0f} MB above the inputs"
    )


def measure_memory() -> None:
    """Memory of energy, forces and torques for a million pairs; run it in a process of its own."""
    model = LinearEnergy()
    mechanics(model, ellipsoids(crystal(2)))  # load and allocate everything needed once
    data = ellipsoids(crystal(13)).with_edges(CUTOFF)
    peak = peak_memory(partial(mechanics, model, data))
    n_moments = model.embedding.projection.matrix.shape[0]
    print(
        f"Memory of energy, forces, torques and virial on {data.num_edges} pairs: peak {peak:.0f} MB "
        f"above the inputs; {data.num_edges * n_moments * 8 / 2**20:.0f} MB would be pairs × moments"
    )


def in_own_process(name: str) -> None:
    if not sys.platform.startswith("linux"):
        print(f"{name} is skipped: memory is measured on Linux only.")
        return
    code = f"import torch; torch.set_num_threads(1); from {__spec__.name} import {name}; {name}()"
    sys.stdout.flush()
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {BACKEND: "native"})


def report_threads() -> None:
    """Check that results are identical for 1, 2 and 4 threads."""
    os.environ[BACKEND] = "native"
    system, model = crystal(6), LinearEnergy()
    data = ellipsoids(system)
    results = []
    for threads in (1, 2, 4):
        torch.set_num_threads(threads)
        pieces, _ = sweeps(system)
        result: Mechanics = mechanics(model, data)
        results.append([pieces["forward"](), *pieces["backward"](), *pieces["double"](), *result])
    torch.set_num_threads(1)
    same = all(
        torch.equal(one, other)
        for others in results[1:]
        for one, other in zip(results[0], others, strict=True)
    )
    print(
        "Moments, their first and second derivatives, energy, forces, torques and virial are the same "
        f"to the last bit with 1, 2 and 4 threads: {same}"
    )


def main() -> None:
    torch.set_num_threads(1)
    print(
        f"torch {torch.__version__}, one thread, float64, l_max {MAX_ANGULAR}, x86-64-"
        f"{_native.instruction_sets()[0]}"
    )
    report_sweep()
    report_mechanics()
    print()
    in_own_process("measure_training")
    in_own_process("measure_memory")
    report_threads()
    os.environ.pop(BACKEND)


if __name__ == "__main__":
    main()
