"""Order of the frames in each epoch."""

from collections.abc import Iterator

import torch


def n_batches(n_frames: int, batch_size: int) -> int:
    """Number of batches in an epoch: the complete ones, or one that is not.

    Examples
    --------
    >>> n_batches(11, 4), n_batches(3, 4)
    (2, 1)
    """
    return max(1, n_frames // batch_size)


class EpochBatches:
    """Batches of frames of one epoch, the same for any number of processes.

    The order depends on the seed and the epoch alone, so a run that is continued sees the frames as one that
    was not interrupted. Of each batch, a process takes every `n_processes`-th frame. A last incomplete batch
    is left out, unless it is the only one.

    Parameters
    ----------
    n_frames, batch_size : int
    seed, epoch : int
    process, n_processes : int

    Examples
    --------
    >>> [sorted(batch) for batch in EpochBatches(4, 4, seed=0, epoch=0)]
    [[0, 1, 2, 3]]
    """

    def __init__(
        self,
        n_frames: int,
        batch_size: int,
        *,
        seed: int,
        epoch: int,
        process: int = 0,
        n_processes: int = 1,
    ) -> None:
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        order = torch.randperm(n_frames, generator=generator).tolist()
        count = n_batches(n_frames, batch_size)
        self._batches = [
            order[k * batch_size : (k + 1) * batch_size][process::n_processes] for k in range(count)
        ]

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._batches)
