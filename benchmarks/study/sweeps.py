"""Sweeps of the modes: systems, species, size, basis, threads, dtypes."""

from dataclasses import dataclass

import torch

from ..systems import System, simple_cubic
from .environment import n_cores
from .modes import CUTOFF, LOOPS, MODES, Problem
from .results import Result
from .stopwatch import Stopwatch

SHAPES = [  # 10 to 100 000 particles
    (1, 2, 5), (2, 3, 5), (4, 5, 5), (5, 6, 10), (10, 10, 10),
    (10, 15, 20), (20, 20, 25), (25, 30, 40), (40, 50, 50),
]  # fmt: skip
BATCHED = tuple(mode for mode in MODES if mode not in LOOPS)


@dataclass(frozen=True)
class Settings:
    """How long to measure: `quick` is for continuous integration."""

    quick: bool = False

    @property
    def rounds(self) -> int:
        return 3 if self.quick else 5

    @property
    def longest(self) -> float:
        """Longest time of a call, in seconds."""
        return 0.2 if self.quick else 1.0

    def stopwatch(self, result: Result) -> Stopwatch:
        return Stopwatch(result, self.rounds, self.longest)


def sweep_systems(settings: Settings) -> Result:
    """Systems with few and with many neighbours of a particle."""
    result = Result("systems")
    stopwatch = settings.stopwatch(result)
    shape = (3, 3, 1) if settings.quick else (4, 4, 4)
    flat = shape[0] * shape[2], shape[1], 1
    for name, system in (
        ("dimer", _opened(simple_cubic((2, 1, 1)), (0, 1, 2))),
        ("layer", _opened(simple_cubic(flat), (2,))),
        ("crystal", simple_cubic(shape)),
        ("dense crystal", simple_cubic(shape, spacing=2.1)),
    ):
        system.name = name
        stopwatch.compare(MODES, Problem(system))
    return result


def _opened(system: System, axes: tuple[int, ...]) -> System:
    """The system with vacuum, wider than the cutoff, along some axes."""
    for axis in axes:
        system.cell[axis, axis] += 3 * CUTOFF
    return system


def sweep_species(settings: Settings) -> Result:
    """One to four species in the same particles, by relabelling alone."""
    result = Result("species")
    stopwatch = settings.stopwatch(result)
    shape = (2, 2, 3) if settings.quick else (4, 4, 4)
    for n_species in (1, 2, 3, 4):
        stopwatch.compare(MODES, Problem(simple_cubic(shape, n_species)))
    return result


def sweep_size(settings: Settings) -> Result:
    """Growing systems of the same density."""
    result = Result("size")
    stopwatch = settings.stopwatch(result)
    for shape in SHAPES[:5] if settings.quick else SHAPES:
        stopwatch.compare(MODES, Problem(simple_cubic(shape)))
    return result


def sweep_basis(settings: Settings) -> Result:
    """Largest l with the default n, and largest n at l ≤ 4."""
    result = Result("basis")
    stopwatch = settings.stopwatch(result)
    system = simple_cubic((2, 2, 2) if settings.quick else (3, 3, 4))
    for max_angular in (2, 4, 6) if settings.quick else (2, 4, 6, 8, 10):
        stopwatch.compare(MODES, Problem(system, max_angular))
    for max_radial in (0, 2) if settings.quick else (0, 1, 2, 4, 6):
        stopwatch.compare(MODES, Problem(system, 4, max_radial))
    return result


def sweep_threads(settings: Settings) -> Result:
    """One thread to as many as there are cores. The loops have one."""
    result = Result("threads")
    stopwatch = settings.stopwatch(result)
    problem = Problem(simple_cubic((5, 5, 4) if settings.quick else (10, 10, 20)))
    modes = [mode for mode in BATCHED if mode != "triton"]
    counts = {count for count in (1, 2, 4, 8, 16, 32, 64) if count < n_cores()} | {n_cores()}
    stopwatch.compare(modes, problem, sorted(counts))
    return result


def sweep_dtypes(settings: Settings) -> Result:
    """Float64 and float32. The loops have float64 alone."""
    result = Result("dtypes")
    stopwatch = settings.stopwatch(result)
    system = simple_cubic((5, 5, 4) if settings.quick else (10, 10, 10))
    for dtype in (torch.float64, torch.float32):
        stopwatch.compare(BATCHED, Problem(system, dtype=dtype))
    return result
