"""Interleaved timing of modes on growing problems."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from math import comb
from typing import TypeVar

import torch

from ..timing import Elapsed, interleaved_times
from .modes import Problem, checked_routes, why_left_out
from .results import Measurement, Result

Key = TypeVar("Key", bound=Hashable)

FEW = 500  # pairs: the time of a call is not yet in proportion to them
SHORTEST = 0.02  # seconds of a repeat: shorter calls are repeated within it


class Stopwatch:
    """Times modes after comparing their results, each until a call would take too long.

    Parameters
    ----------
    result : Result
        Where measurements go.
    rounds : int
        Number of repeats, after one to warm up.
    longest : float
        Modes whose call would take longer than this, in seconds, are left out. The time is estimated from
        the processor time of the mode's last problem, in proportion to pairs and moments.
    """

    def __init__(self, result: Result, rounds: int, longest: float) -> None:
        self.result, self.rounds, self.longest = result, rounds, longest
        self._stopped: set[str] = set()
        self._pace: dict[str, float] = {}  # seconds for each moment of each pair

    def compare(
        self, modes: Sequence[str], problem: Problem, threads: Sequence[int] = (1,)
    ) -> None:
        """Check that the modes agree on a problem, then time those that can run and are fast enough.

        With several numbers of threads, these take turns too.
        """
        n_particles = len(problem.system.types)
        work = problem.n_pairs * comb(problem.embedding.projection.degree + 3, 3)
        possible = []
        for mode in modes:
            if why := why_left_out(mode, problem.dtype):
                self.result.leave_out(mode, why)
            elif (seconds := self._pace.get(mode, 0.0) * work) > self.longest:
                if mode not in self._stopped:
                    self._stopped.add(mode)
                    why = f"stopped at {n_particles} particles, where a call would take {seconds:.1f} s"
                    self.result.leave_out(
                        mode, f"{why}, longer than the limit of {self.longest:g} s"
                    )
            else:
                possible.append(mode)
        routes, errors = checked_routes(possible, problem)
        runs = {
            (mode, count): on_threads(count, route.run)
            for count in threads
            for mode, route in routes.items()
        }
        for (mode, count), times in timed(runs, self.rounds, f"{n_particles} particles").items():
            if problem.n_pairs > FEW:
                self._pace[mode] = min(each.processor for each in times) / work
            self.result.measurements.append(
                Measurement(
                    mode,
                    times,
                    n_particles,
                    problem.n_pairs,
                    len(problem.embedding.types),
                    problem.max_angular,
                    problem.max_radial,
                    str(problem.dtype).removeprefix("torch."),
                    count,
                    errors[mode],
                    system=problem.system.name,
                )
            )
        torch.set_num_threads(1)


def on_threads(count: int, run: Callable[[], object]) -> Callable[[], object]:
    """The function with this number of torch's threads."""

    def with_threads() -> object:
        torch.set_num_threads(count)
        return run()

    return with_threads


def timed(
    runs: Mapping[Key, Callable[[], object]], rounds: int, description: str = ""
) -> dict[Key, list[Elapsed]]:
    """Interleaved times of a call. Short calls are averaged over several in a row."""
    calls = {}
    for name, run in runs.items():
        start = time.perf_counter()
        run()
        calls[name] = min(1000, 1 + int(SHORTEST / (time.perf_counter() - start)))
    in_a_row = {name: _repeated(run, calls[name]) for name, run in runs.items()}
    times = interleaved_times(in_a_row, rounds, description)
    return {
        name: [Elapsed(*(seconds / calls[name] for seconds in each)) for each in found]
        for name, found in times.items()
    }


def _repeated(run: Callable[[], object], count: int) -> Callable[[], None]:
    def repeated() -> None:
        for _ in range(count):
            run()

    return repeated
