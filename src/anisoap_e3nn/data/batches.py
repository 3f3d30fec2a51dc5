"""Batches of frames."""

from collections.abc import Iterable, Iterator
from typing import Any


def iterate_batches(
    frames: Iterable[Any], batch_size: int, max_particles: int | None = None
) -> Iterator[Any]:
    """Collect frames into batches, one batch at a time.

    Parameters
    ----------
    frames : iterable of EllipsoidData
        Frames in order. A generator is read as needed.
    batch_size : int
        Largest number of frames in a batch.
    max_particles : int, optional
        Number of particles at which a batch is closed; the frame that reaches it is included.

    Yields
    ------
    torch_geometric.data.Batch

    Raises
    ------
    ValueError
        If the batch size is smaller than 1.
    """
    from torch_geometric.data import Batch  # takes seconds to import

    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}, expected 1 or more")
    waiting: list[Any] = []
    n_particles = 0
    for frame in frames:
        waiting.append(frame)
        n_particles += len(frame.pos)
        full = max_particles is not None and n_particles >= max_particles
        if full or len(waiting) == batch_size:
            yield Batch.from_data_list(waiting)
            waiting, n_particles = [], 0
    if waiting:
        yield Batch.from_data_list(waiting)
