"""Gaussian moments on an NVIDIA GPU: agreement with the definition, and times.

python -m benchmarks.gpu
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

from anisoap_e3nn.ops.backends import moment_kernels, reference
from anisoap_e3nn.ops.moment_inputs import MomentInputs

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
        inputs.n_segments, len(moment_kernels.moment_exponents(inputs.degree)),
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

    for n in (10**5, 10**6, 10**7):
        keys = torch.randint(n // 60, (n,), device="cuda", dtype=torch.int32).sort().values
        spent = device_milliseconds(lambda keys=keys: torch.sort(keys, stable=True))
        print(f"sort of {n} int32 in order: {spent:.3f} ms", flush=True)
    x = torch.empty(2 * 10**9 // 4, device="cuda")
    y = torch.empty_like(x)
    print(
        f"copy: {2 * x.nbytes / device_milliseconds(lambda: y.copy_(x)) / 1e9:.2f} TB/s", flush=True
    )

    print(
        "\ndegree dtype pairs | ms of value, first, second | kernels alone | torch eager value",
        flush=True,
    )
    for dtype, degree, pairs in product(
        (torch.float32, torch.float64), arguments.degrees, arguments.pairs
    ):
        n_pairs = int(pairs)
        if dtype == torch.float64 and n_pairs > 10**6:
            continue
        inputs = make_inputs(n_pairs, degree, dtype)
        runs = evaluations(inputs)
        times = [device_milliseconds(runs[order]) for order in ORDERS]
        orders = {
            id(inputs.segments): moment_kernels._order(inputs.segments, inputs.n_segments),
            id(inputs.neighbors): moment_kernels._order(inputs.neighbors, inputs.n_segments),
        }
        searching, moment_kernels._order = (
            moment_kernels._order,
            lambda rows, n, orders=orders: orders[id(rows)],
        )
        alone = [device_milliseconds(runs[order]) for order in ORDERS]
        moment_kernels._order = searching
        eager = float("nan")
        if n_pairs * degree**3 < 1e9:
            eager = device_milliseconds(lambda inputs=inputs: reference.gaussian_moments(inputs), 3)
        print(
            degree,
            dtype,
            f"{n_pairs:.0e} |",
            *(f"{t:.3f}" for t in times),
            "|",
            *(f"{t:.3f}" for t in alone),
            f"| {eager:.2f}",
            f"peak {torch.cuda.max_memory_allocated() / 1e9:.1f} GB",
            flush=True,
        )
        torch.cuda.reset_peak_memory_stats()


if __name__ == "__main__":
    main()
