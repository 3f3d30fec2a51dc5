"""Frames, some at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any


def iterate_batches(frames: Iterable[Any], batch_size: int) -> Iterator[Any]:
    """Batches of frames, one after another.

    Parameters
    ----------
    frames : iterable of EllipsoidData
        It may be a generator.
    batch_size : int
        Frames in each batch; the last may have fewer.

    Yields
    ------
    torch_geometric.data.Batch
    """
    from torch_geometric.data import Batch  # takes seconds to import

    remaining = iter(frames)
    while some := list(islice(remaining, batch_size)):
        yield Batch.from_data_list(some)
