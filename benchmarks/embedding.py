"""Speed, memory and reproducibility of the embedding: ``python -m benchmarks.embedding``.

Times are medians of interleaved runs in one process. On a shared machine quote the ratios.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding, _native
from anisoap_e3nn.geometry import damped_covariances
from anisoap_e3nn.ops import gaussian_moments, moment_exponents

from .baselines.per_pair_loop import PerPairLoop
from .systems import System, benzene, crystal
from .timing import interleaved_medians, on_backend, on_instruction_set

CUTOFF = 7.0
BACKEND = "ANISOAP_E3NN_BACKEND"


def embedding_for(
    system: System, max_angular: int, max_radial: int | None, include_self: bool | str = True
) -> AniSOAPEmbedding:
    types = sorted(set(system.types.tolist()))
    return AniSOAPEmbedding(
        types,
        CUTOFF,
        max_angular,
        max_radial,
        radial_gaussian_width=1.5,
        include_self=include_self,
    ).double()


def sweep_of(
    system: System, embedding: AniSOAPEmbedding, dtype: torch.dtype = torch.float64
) -> tuple[Callable[[], Tensor], int]:
    """The kernel alone on sorted edges, and the number of edges."""
    inputs = system.inputs(*system.search(CUTOFF))
    edge_index, types = inputs["edge_index"], embedding.type_index(system.types)
    n_types, beta = len(embedding.types), embedding.basis.exponent
    segments = edge_index[1] * n_types + types[edge_index[0]]
    C, w = damped_covariances(system.orientations, system.semiaxes, beta)
    floats = [tensor.to(dtype) for tensor in (inputs["edge_vectors"], C, w)]

    def sweep() -> Tensor:
        return gaussian_moments(
            floats[0], edge_index[0], segments, len(types) * n_types, floats[1], floats[2],
            exponent=beta, degree=embedding.projection.degree,
        )  # fmt: skip

    return sweep, len(segments)


def checked_loop(system: System, embedding: AniSOAPEmbedding) -> PerPairLoop:
    """The per-pair loop, after a check of its result against the embedding."""
    loop = PerPairLoop(embedding, system)
    found = torch.from_numpy(loop.coefficients(loop()))
    expected = whole_path(system, embedding)
    error = float((found - expected).abs().max() / expected.abs().max())
    if not error < 1e-12:
        raise AssertionError(f"the loop and the embedding disagree by {error:.1e}")
    return loop


def report_paths() -> None:
    """Time per pair of every stage, and of the per-pair loop, interleaved."""
    looped = crystal(2)
    loop = checked_loop(looped, embedding_for(looped, 6, None))
    print("\nWhole path at l_max 6 (84 moments), float64: ns per pair")
    print(
        f"{'system':>12} {'pairs':>7} {'threads':>7} {'backend':>7} | {'neighbours':>10} {'sweep':>7} "
        f"{'embedding':>9} {'whole path':>10} | {'per-pair loop':>13} {'loop / path':>11}"
    )
    for system in filter(None, [crystal(1), looped, crystal(4), benzene(), crystal(8)]):
        embedding = embedding_for(system, 6, None)
        inputs = system.inputs(*system.search(CUTOFF))
        sweep, n_pairs = sweep_of(system, embedding)
        pieces: dict[str, Callable[[], object]] = {
            "sweep": sweep,
            "embedding": partial(embedding, **inputs),
            "whole path": partial(whole_path, system, embedding),
        }
        for threads in (1, 2):
            torch.set_num_threads(threads)
            work = {"loop": loop, "neighbours": partial(system.search, CUTOFF)}
            for backend in ("native", "torch"):
                work |= {f"{backend} {k}": on_backend(backend, run) for k, run in pieces.items()}
            medians = interleaved_medians(work, rounds=9, description=system.name)
            loop_time = 1e9 * medians["loop"] / loop.n_pairs
            for backend in ("native", "torch"):
                columns = [medians["neighbours"], *(medians[f"{backend} {k}"] for k in pieces)]
                nbr, swp, emb, whole = (1e9 * seconds / n_pairs for seconds in columns)
                print(
                    f"{system.name:>12} {n_pairs:>7} {threads:>7} {backend:>7} | {nbr:>10.1f} "
                    f"{swp:>7.1f} {emb:>9.1f} {whole:>10.1f} | {loop_time:>13.0f} "
                    f"{loop_time / whole:>11.0f}"
                )


def whole_path(system: System, embedding: AniSOAPEmbedding) -> Tensor:
    """Features from positions and ellipsoids, neighbour search included."""
    features: Tensor = embedding(**system.inputs(*system.search(CUTOFF)))
    return features


def flops_per_pair(degree: int) -> int:
    """Multiplications and additions per pair, of the recurrence and of the sum over neighbours."""
    return sum(2 * (1 + (a > 0) + (b > 0) + (c > 1)) for a, b, c in moment_exponents(degree))


def report_sweep() -> None:
    """Time of the kernel by degree, dtype and instruction set, relative to the measured peak."""
    torch.set_num_threads(1)
    os.environ[BACKEND] = "native"
    names = _native.instruction_sets()
    print(
        "\nNative sweep, one thread: ns per pair (fraction of the multiply-add peak of the instruction set)"
    )
    system = crystal(8)
    cases = {"l_max 6, 84 moments": (6, None), "l_max 9, n_max 6, 2024 moments": (9, 6)}
    repeats = 3_000_000
    for label, (max_angular, max_radial) in cases.items():
        some = system if max_radial is None else crystal(3)
        embedding = embedding_for(some, max_angular, max_radial)
        work: dict[str, Callable[[], object]] = {}
        for name in names:
            for dtype in (torch.float64, torch.float32):
                sweep, n_pairs = sweep_of(some, embedding, dtype)
                work[f"{name} {dtype}"] = on_instruction_set(name, sweep)
            work[f"{name} peak"] = on_instruction_set(name, lambda: _native.fma_f64(repeats))
        medians = interleaved_medians(work, rounds=7, description=label)
        for name in names:
            f64, f32 = (
                1e9 * medians[f"{name} {t}"] / n_pairs for t in (torch.float64, torch.float32)
            )
            _native.use_instruction_set(name)
            peak = 1e-9 * _native.fma_f64(repeats) / medians[f"{name} peak"]
            fraction = flops_per_pair(embedding.projection.degree) / f64 / peak
            print(
                f"{label:>32}  x86-64-{name}  float64 {f64:7.1f} ({fraction:4.0%} of {peak:5.1f} GFLOP/s)"
                f"  float32 {f32:7.1f}  [{n_pairs} pairs]"
            )
    _native.use_instruction_set(names[0])
    os.environ.pop(BACKEND)


def report_threads() -> None:
    """Speed of two threads, and whether results are identical for 1, 2 and 4 threads."""
    os.environ[BACKEND] = "native"
    system = crystal(10)
    embedding = embedding_for(system, 6, None)
    sweep, n_pairs = sweep_of(system, embedding)

    def with_threads(count: int, run: Callable[[], Tensor]) -> Callable[[], Tensor]:
        def threaded() -> Tensor:
            torch.set_num_threads(count)
            return run()

        return threaded

    for name, run in (("sweep", sweep), ("whole path", partial(whole_path, system, embedding))):
        work = {str(count): with_threads(count, run) for count in (1, 2)}
        medians = interleaved_medians(work, rounds=9, description=name)
        results = [with_threads(count, run)() for count in (1, 2, 4)]
        same = all(torch.equal(results[0], other) for other in results[1:])
        print(
            f"{name}: two threads {medians['1'] / medians['2']:.2f} × as fast as one "
            f"({n_pairs} pairs); results of 1, 2 and 4 threads identical to the last bit: {same}"
        )
    os.environ.pop(BACKEND)


def report_own_density() -> None:
    """Time of the layer with the particle's own density apart, relative to that with it added."""
    torch.set_num_threads(1)
    print("\nOwn density apart, one thread: time of the layer relative to include_self=True")
    for system in filter(None, [crystal(2), crystal(4), benzene(), crystal(8)]):
        inputs = system.inputs(*system.search(CUTOFF))
        work = {
            str(kind): partial(embedding_for(system, 6, None, kind), **inputs)
            for kind in (True, "separate")
        }
        medians = interleaved_medians(work, rounds=21, description=system.name)
        n_pairs = inputs["edge_index"].shape[1]
        print(f"{system.name:>12} {n_pairs:>7} pairs: {medians['separate'] / medians['True']:.3f}")


MEMORY_SCRIPT = """
import torch
from benchmarks.embedding import CUTOFF, embedding_for
from benchmarks.memory import peak_memory
from benchmarks.systems import crystal

torch.set_num_threads(1)
system = crystal(12)
embedding = embedding_for(system, 6, None)
small = crystal(2)
embedding(**small.inputs(*small.search(CUTOFF)))  # load and allocate everything needed once
inputs = system.inputs(*system.search(CUTOFF))
kept = []
with torch.no_grad():
    peak = peak_memory(lambda: kept.append(embedding(**inputs)))
print(f"{inputs['edge_index'].shape[1]} pairs, {len(system.types)} particles: peak {peak:.0f} MB above "
      f"the inputs, {kept[0].numel() * 8 / 2**20:.0f} MB of it features")
"""


def report_memory() -> None:
    """Peak memory of one call, measured in a process of its own."""
    if not sys.platform.startswith("linux"):
        print("Memory is measured on Linux only.")
        return
    result = subprocess.run(
        [sys.executable, "-c", MEMORY_SCRIPT],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {BACKEND: "native"},
    )
    print("Memory: " + result.stdout.strip())


def main() -> None:
    threads = torch.get_num_threads()
    print(f"torch {torch.__version__}, instruction sets {', '.join(_native.instruction_sets())}")
    with torch.no_grad():
        report_sweep()
        report_paths()
        print()
        report_threads()
        report_own_density()
    report_memory()
    torch.set_num_threads(threads)


if __name__ == "__main__":
    main()
