"""Gaussian moments on an NVIDIA GPU: agreement with the definition, and times.

python -m benchmarks.gpu

Times are those of whole operations, ten in a row, given the order of the pairs, which is kept with a graph.
The time to seek it stands beside them. The floor is the larger of two times on an H100: to read each input
output once at 3.35 TB/s, and the arithmetic of the formula (``python -m benchmarks.gpu_resources``).
"""

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context

import torch
from torch import Tensor

from anisoap_e3nn.ops.backends import moment_kernels, moment_problem, reference
from anisoap_e3nn.ops.moment_inputs import MomentInputs
from anisoap_e3nn.ops.monomials import moment_exponents

from . import gpu_resources
from .timing import device_milliseconds

PAIRS_OF_SEGMENT = 60
ORDERS = ("value", "first", "second")


def make_inputs(
    n_pairs: int, degree: int, dtype: torch.dtype, device: str = "cuda"
) -> MomentInputs:
    """Random ellipsoids with 60 neighbours each, of one type, edges in the order of their centres."""
    n = max(1, n_pairs // PAIRS_OF_SEGMENT)
    A = 0.3 * torch.randn(n, 3, 3, dtype=dtype, device=device)
    segments = torch.randint(n, (n_pairs,), device=device).sort().values
    return MomentInputs(
        torch.randn(n_pairs, 3, dtype=dtype, device=device),
        (segments + torch.randint(-300, 300, (n_pairs,), device=device)) % n,
        segments,
        n,
        A @ A.mT,
        torch.rand(n, dtype=dtype, device=device),
        torch.rand(n_pairs, dtype=dtype, device=device),
        torch.arange(n, device=device),
        0.7,
        degree,
    )


def tangents_of(inputs: MomentInputs) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    A = torch.randn_like(inputs.covariances)
    vectors, weights, pair_weights = (
        torch.randn_like(x)
        for x in (inputs.edge_vectors, inputs.weights, inputs.edge_vectors[:, 0])
    )
    return vectors, A + A.mT, weights, pair_weights


def evaluations(inputs: MomentInputs) -> dict[str, Callable[[], object]]:
    cotangent = torch.randn(
        inputs.n_segments, len(moment_exponents(inputs.degree)),
        dtype=inputs.edge_vectors.dtype, device=inputs.edge_vectors.device,
    )  # fmt: skip
    tangents = tangents_of(inputs)
    return {
        "value": lambda: moment_kernels.moments(inputs),
        "first": lambda: moment_kernels.backward(cotangent, inputs, True),
        "second": lambda: moment_kernels.double_backward(tangents, cotangent, inputs, True),
    }


def definition(inputs: MomentInputs, seed: int) -> tuple[list[Tensor], list[Tensor]]:
    """Results of the kernels, and those of autograd on the definition in float64."""
    wide = MomentInputs(
        *(x.double() if isinstance(x, Tensor) and x.is_floating_point() else x for x in inputs)
    )
    names = ("edge_vectors", "covariances", "weights", "pair_weights")
    variables = [getattr(wide, name).requires_grad_() for name in names]
    moments = reference.gaussian_moments(wide._replace(**dict(zip(names, variables, strict=True))))
    G = torch.randn_like(moments, requires_grad=True)
    first = torch.autograd.grad(moments, variables, G, create_graph=True)
    tangents = [t.double() for t in tangents_of(inputs)]
    along = sum((a * b).sum() for a, b in zip(first, tangents, strict=True))
    second = torch.autograd.grad(along, [G, *variables])
    expected = [moments, *first, *second]
    expected = [(x + x.mT) / 2 if x.dim() == 3 else x for x in expected]
    dtype = inputs.edge_vectors.dtype
    G = G.detach().to(dtype)
    ours = [
        moment_kernels.moments(inputs),
        *moment_kernels.backward(G, inputs, True),
        *moment_kernels.double_backward(tuple(t.to(dtype) for t in tangents), G, inputs, True),
    ]
    return ours, expected


def warm(task: tuple[str, int, torch.dtype]) -> float:
    """Compile the kernels of one order, into Triton's cache on disk."""
    order, degree, dtype = task
    start = time.perf_counter()
    evaluations(make_inputs(600, degree, dtype))[order]()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--degrees", type=int, nargs="+", default=[3, 6, 8])
    parser.add_argument("--pairs", type=float, nargs="+", default=[1e5, 1e6, 1e7])
    arguments = parser.parse_args()
    print(torch.__version__, torch.cuda.get_device_name())

    tasks = list(product(ORDERS, arguments.degrees, (torch.float32, torch.float64)))
    workers = min(len(tasks), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for task, spent in zip(tasks, pool.map(warm, tasks), strict=True):
            print("compiled", *task, f"{spent:.0f} s", flush=True)

    print("\nlargest relative deviation from the definition: value | first | second", flush=True)
    for degree, dtype in product(arguments.degrees, (torch.float32, torch.float64)):
        ours, expected = definition(make_inputs(3000, degree, dtype), degree)
        errors = [((a - b).norm() / b.norm()).item() for a, b in zip(ours, expected, strict=True)]
        print(degree, dtype, *(f"{max(e):.1e}" for e in (errors[:1], errors[1:5], errors[5:])))
    inputs = make_inputs(1_000_000, arguments.degrees[0], torch.float32)
    runs = evaluations(inputs)
    same = all(torch.equal(a, b) for a, b in zip(runs["second"](), runs["second"](), strict=True))
    print("second derivatives of 1e6 pairs repeat to the last bit:", same, flush=True)

    print(f"copy: {copy_rate():.2f} TB/s", flush=True)
    print(
        "\n| degree | dtype | pairs | order | ms: value | first | second | % of the floor's speed "
        "| order sought anew | torch eager | compiled | peak |\n" + "| --- " * 12 + "|",
        flush=True,
    )
    for dtype, degree, pairs in product(
        (torch.float32, torch.float64), arguments.degrees, arguments.pairs
    ):
        if dtype == torch.float32 or pairs <= 1e6:
            print(row(degree, dtype, int(pairs)), flush=True)


def copy_rate() -> float:
    """Bytes that a copy reads and writes, in TB/s."""
    x = torch.empty(5 * 10**8, device="cuda")
    y = torch.empty_like(x)
    return 2 * x.nbytes / device_milliseconds(lambda: y.copy_(x)) / 1e9


def row(degree: int, dtype: torch.dtype, n_pairs: int) -> str:
    inputs = make_inputs(n_pairs, degree, dtype)
    torch.cuda.reset_peak_memory_stats()
    runs = evaluations(inputs)
    times = [device_milliseconds(runs[order], in_a_row=10) for order in ORDERS]
    peak = torch.cuda.max_memory_allocated() / 1e9
    floors = [floor(inputs, order) for order in ORDERS]
    fractions = " ".join(f"{100 * a / b:.0f}" for a, b in zip(floors, times, strict=True))

    def anew(order: str) -> None:
        moment_problem._results.clear()
        runs[order]()

    again = " ".join(f"{device_milliseconds(lambda o=o: anew(o)):.2f}" for o in ORDERS)
    moment_problem._results.clear()
    sought = device_milliseconds(
        lambda: moment_problem.sorted_rows(inputs.segments, inputs.n_segments)
    )
    eager = compiled = "too large"
    if n_pairs * len(moment_exponents(degree)) * dtype.itemsize < 4e9:
        eager = f"{device_milliseconds(lambda: reference.gaussian_moments(inputs), 3):.1f}"
        if n_pairs <= 10**6 and dtype == torch.float32:
            function = torch.compile(reference.gaussian_moments)
            compiled = f"{device_milliseconds(lambda: function(inputs), 3):.1f}"
    cells = [
        degree, str(dtype)[6:], f"{n_pairs:.0e}", f"{sought:.2f}", *(f"{t:.3f}" for t in times),
        fractions, again, eager, compiled, f"{peak:.1f} GB",
    ]  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


def floor(inputs: MomentInputs, order: str) -> float:
    """Milliseconds that an H100 needs at least: to move each number once, or for the arithmetic."""
    word = inputs.edge_vectors.element_size()
    parts = [k for k in gpu_resources.kernels(inputs.degree, word) if k.kind in KINDS[order]]
    n_pairs = inputs.edge_vectors.shape[0]
    n_moments = inputs.n_segments * len(moment_exponents(inputs.degree))
    moved = n_pairs * max(map(gpu_resources.bytes_of_pair, parts))
    moved += n_moments * word * (2 if order == "second" else 1)
    rate = gpu_resources.MULTIPROCESSORS * gpu_resources.CLOCK * gpu_resources.PER_CYCLE[word]
    return 1e3 * max(
        moved / gpu_resources.BANDWIDTH,
        n_pairs * sum(map(gpu_resources.operations, parts)) / rate,
    )


KINDS = {"value": ("value",), "first": ("first",), "second": ("tangent", "second")}


if __name__ == "__main__":
    main()
