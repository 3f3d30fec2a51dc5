"""Interleaved timing of modes on growing problems."""

from collections.abc import Callable, Sequence
from math import comb

import torch

from ..timing import interleaved_times
from .modes import Problem, checked_routes, why_left_out
from .results import Measurement, Result

FEW = 500  # pairs: the time of a call is not yet in proportion to them


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
        found = interleaved_times(runs, self.rounds, f"{n_particles} particles")
        for (mode, count), times in found.items():
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
