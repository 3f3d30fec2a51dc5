"""A trajectory: features of every frame, neighbour search included."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData

from ..baselines.torch_contraction import TorchContraction
from ..baselines.torch_full import BatchedExpansion
from ..systems import System, simple_cubic
from ..timing import on_backend
from .modes import (
    CUTOFF,
    LOOPS,
    WIDTH,
    Problem,
    Route,
    checked_routes,
    relative_difference,
    why_left_out,
)
from .results import Measurement, Result
from .stopwatch import timed
from .sweeps import Settings

FRAMES_OF_BATCH = 50
BATCHES = "native, in batches"


def sweep_trajectory(settings: Settings) -> Result:
    """One thousand frames of 64 particles whose positions fluctuate.

    The loops see the first frames alone, and their neighbour lists and tables are made before.
    """
    result = Result("trajectory")
    system = simple_cubic((4, 4, 4))
    frames = _frames(system, 20 if settings.quick else 1000)
    types = sorted(set(system.types.tolist()))
    embedding = AniSOAPEmbedding(types, CUTOFF, 6, radial_gaussian_width=WIDTH).double()
    work: dict[str, Callable[[], Any]] = {
        "torch_full": partial(_batched, embedding, frames),
    }
    for mode, backend in (("summed_first", "torch"), ("native", "native")):
        if why := why_left_out(mode):
            result.leave_out(mode, why)
            continue
        one_by_one = partial(_one_by_one, embedding, frames)
        work[mode] = on_backend(backend, one_by_one)
    if "native" in work:
        together = partial(_in_batches, embedding, frames)
        work[BATCHES] = on_backend("native", together)
    problems = [Problem(frame) for frame in frames]
    reference = torch.cat([embedding(**problem.inputs) for problem in problems])
    n_pairs = round(sum(problem.n_pairs for problem in problems) / len(frames))
    errors = {}
    for mode, run in work.items():
        errors[mode] = relative_difference(torch.cat(run()), reference)
        if not errors[mode] < 1e-10:
            raise AssertionError(f"features of {mode} differ by {errors[mode]:.1e} of the largest")
    for mode, times in timed(work, 3, "trajectory").items():
        result.measurements.append(
            Measurement(
                mode, times, len(system.types), n_pairs, error=errors[mode], n_frames=len(frames)
            )
        )
    for mode in LOOPS:
        if why := why_left_out(mode):
            result.leave_out(mode, why)
        else:
            few = problems[: 1 if settings.quick else 5]
            result.measurements.append(_measured_loop(mode, few, n_pairs))
            why = (
                f"only {len(few)} of {len(frames)} frames were timed, without the neighbour search"
            )
            result.leave_out(mode, why)
    return result


def _measured_loop(mode: str, problems: Sequence[Problem], n_pairs: int) -> Measurement:
    checked = [checked_routes([mode], problem) for problem in problems]
    run = partial(_run_all, [routes[mode] for routes, _ in checked])
    times = timed({mode: run}, 3, mode)[mode]
    n_particles, error = len(problems[0].system.types), max(errors[mode] for _, errors in checked)
    return Measurement(mode, times, n_particles, n_pairs, error=error, n_frames=len(problems))


def _frames(system: System, count: int) -> list[System]:
    generator = torch.Generator().manual_seed(count)
    shape = system.positions.shape
    return [
        System(
            f"frame {k}",
            system.positions + 0.1 * torch.randn(shape, dtype=torch.float64, generator=generator),
            system.cell,
            system.types,
            system.orientations,
            system.semiaxes,
        )
        for k in range(count)
    ]


def _one_by_one(embedding: AniSOAPEmbedding, frames: Sequence[System]) -> list[Tensor]:
    return [embedding(**frame.inputs(*frame.search(CUTOFF))) for frame in frames]


def _in_batches(embedding: AniSOAPEmbedding, frames: Sequence[System]) -> list[Tensor]:
    data = [
        EllipsoidData(f.positions, f.orientations, f.semiaxes, f.types, f.cell, True)
        for f in frames
    ]
    starts = range(0, len(data), FRAMES_OF_BATCH)
    return [embedding(Batch.from_data_list(data[k : k + FRAMES_OF_BATCH])) for k in starts]


def _batched(embedding: AniSOAPEmbedding, frames: Sequence[System]) -> list[Tensor]:
    contraction = TorchContraction(embedding)
    inputs = (frame.inputs(*frame.search(CUTOFF)) for frame in frames)
    return [BatchedExpansion(embedding, contraction, each)() for each in inputs]


def _run_all(routes: Sequence[Route]) -> None:
    for route in routes:
        route.run()
