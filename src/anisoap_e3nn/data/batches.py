"""Batches of frames."""

from collections.abc import Iterable, Iterator
from typing import Any

from torch import Tensor

from ..arguments import integer
from ..tensor_arguments import check_data


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

    batch_size = integer("batch_size", batch_size, at_least=1)
    waiting: list[Any] = []
    n_particles = 0
    for number, frame in enumerate(frame_iterable(frames)):
        check_data(frame, f"frames[{number}]")
        waiting.append(frame)
        n_particles += len(frame.pos)
        full = max_particles is not None and n_particles >= max_particles
        if full or len(waiting) == batch_size:
            yield Batch.from_data_list(waiting)
            waiting, n_particles = [], 0
    if waiting:
        yield Batch.from_data_list(waiting)


def frame_iterable(frames: Any) -> Iterable[Any]:
    """The frames, if they are a list or another iterable.

    Raises
    ------
    TypeError
        If they are not, as a single frame is not.
    """
    single = isinstance(frames, str | bytes | dict | Tensor)
    single = single or isinstance(getattr(frames, "pos", None), Tensor)  # tqdm has another pos
    if single or not isinstance(frames, Iterable) or getattr(frames, "ndim", 1) == 0:
        raise TypeError(f"frames is {frames!r:.100}, expected a list of EllipsoidData")
    return frames
