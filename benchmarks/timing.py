"""Interleaved timing of several functions, so that drifts of the machine affect all alike."""

import os
import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple, TypeVar

import torch
from tqdm import tqdm

from anisoap_e3nn.ops.backends import native

Key = TypeVar("Key", bound=Hashable)
SHORTEST = 0.02  # seconds of a repeat: shorter calls are repeated within it


class Elapsed(NamedTuple):
    """Time of a call in seconds, by the clock on the wall and by that of the process.

    Other programs on the machine do not count in the latter. It adds the times of threads.
    """

    wall: float
    processor: float


def interleaved_times(
    work: Mapping[Key, Callable[[], object]], rounds: int = 9, description: str = ""
) -> dict[Key, list[Elapsed]]:
    """Times of a call of each function, in each of `rounds` after a call to warm up.

    Calls shorter than 20 ms are repeated in a row until that time is over, and their mean counts. The
    environment variable ``BENCHMARK_ROUNDS`` has precedence: with one round, a benchmark shows that it works.
    """
    rounds = int(os.environ.get("BENCHMARK_ROUNDS", rounds))
    counts = {}
    for name, run in work.items():
        start = time.perf_counter()
        run()
        counts[name] = min(1000, 1 + int(SHORTEST / (time.perf_counter() - start)))
    found: dict[Key, list[Elapsed]] = {name: [] for name in work}
    for _ in tqdm(range(rounds), desc=description, leave=False, unit="round"):
        for name, run in work.items():
            wall, processor = time.perf_counter(), time.process_time()
            for _ in range(counts[name]):
                run()
            spent = time.perf_counter() - wall, time.process_time() - processor
            found[name].append(Elapsed(*(seconds / counts[name] for seconds in spent)))
    return found


_BACKEND = "ANISOAP_E3NN_BACKEND"


def interleaved_medians(
    work: Mapping[str, Callable[[], object]], rounds: int = 9, description: str = ""
) -> dict[str, float]:
    """Median wall time of a call of each function in seconds; see :func:`interleaved_times`."""
    found = interleaved_times(work, rounds, description)
    return {name: statistics.median(each.wall for each in times) for name, times in found.items()}


def on_backend(backend: str, run: Callable[[], object]) -> Callable[[], object]:
    """The function with ``ANISOAP_E3NN_BACKEND`` set while it runs."""

    def with_backend() -> object:
        before = os.environ.get(_BACKEND)
        os.environ[_BACKEND] = backend
        try:
            return run()
        finally:
            if before is None:
                del os.environ[_BACKEND]
            else:
                os.environ[_BACKEND] = before

    return with_backend


def on_instruction_set(name: str, run: Callable[[], object]) -> Callable[[], object]:
    """The function with one copy of the native kernels, of ``_native.instruction_sets()``, while it runs."""

    def with_instruction_set() -> object:
        native._native.use_instruction_set(name)
        try:
            return run()
        finally:
            native._native.use_instruction_set(native._native.instruction_sets()[0])

    return with_instruction_set


def device_milliseconds(run: Callable[[], object], rounds: int = 11, in_a_row: int = 1) -> float:
    """Median time of a call on the GPU, by its own events, after two calls to warm up.

    With several calls in a row, the host prepares the next one while the GPU works.
    """
    times = []
    for _ in range(rounds + 2):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(in_a_row):
            run()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end) / in_a_row)
    return statistics.median(times[2:])
