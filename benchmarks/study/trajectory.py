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
from ..timing import interleaved_times, on_backend
from .modes import CUTOFF, TOLERANCE, Problem, prepare, relative_difference, why_left_out
from .results import Measurement, Result
from .sweeps import Settings

FRAMES_OF_BATCH = 50
Work = Callable[[], Any]


def sweep_trajectory(settings: Settings) -> Result:
    """One thousand frames of 64 particles whose positions fluctuate.

    Slow routes see the first frames alone. Neighbour lists and tables of the loops are made before.
    """
    result = Result("trajectory")
    system = simple_cubic((4, 4, 4))
    frames = _frames(system, 20 if settings.quick else 1000)
    embedding = Problem(system).embedding
    reference = _one_by_one(embedding, frames)
    n_edges = sum(frame.search(CUTOFF)[0].shape[1] for frame in frames)
    n_pairs = n_edges // len(frames) + len(system.types)
    work: dict[str, Callable[[], Any]] = {}
    errors, n_frames = {}, {}
    for mode, prepared in ROUTES.items():
        if why := why_left_out(mode.split(",")[0]):
            result.leave_out(mode, why)
            continue
        some = frames[: FIRST.get(mode, len(frames))]
        if len(some) < len(frames):
            result.leave_out(mode, f"only {len(some)} of {len(frames)} frames were timed")
        work[mode], n_frames[mode] = prepared(embedding, some), len(some)
        found = torch.cat(work[mode]())
        errors[mode] = relative_difference(found, torch.cat(reference)[: len(found)])
        if not errors[mode] < TOLERANCE[torch.float64]:
            raise AssertionError(f"features of {mode} differ by {errors[mode]:.1e} of the largest")
    for mode, times in interleaved_times(work, 3, "trajectory").items():
        measured = Measurement(
            mode, times, len(system.types), n_pairs, error=errors[mode], n_frames=n_frames[mode]
        )
        result.measurements.append(measured)
    return result


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


def _loops(mode: str, embedding: AniSOAPEmbedding, frames: Sequence[System]) -> Work:
    routes = [prepare(mode, Problem(frame)) for frame in frames]
    return lambda: [route.coefficients(route.run()) for route in routes]


def _ours(backend: str, embedding: AniSOAPEmbedding, frames: Sequence[System]) -> Work:
    return on_backend(backend, partial(_one_by_one, embedding, frames))


ROUTES: dict[str, Callable[[AniSOAPEmbedding, Sequence[System]], Work]] = {
    "numpy_only": partial(_loops, "numpy_only"),
    "torch_mixed": partial(_loops, "torch_mixed"),
    "torch_full": lambda embedding, frames: partial(_batched, embedding, frames),
    "summed_first": partial(_ours, "torch"),
    "native": partial(_ours, "native"),
    "native, in batches": lambda embedding, frames: partial(_in_batches, embedding, frames),
}
FIRST = {"numpy_only": 3, "torch_mixed": 3, "torch_full": 100, "summed_first": 100}
