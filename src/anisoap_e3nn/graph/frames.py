"""Frames of a batch: the frame of each particle, and the number of particles in each frame."""

from typing import Any

import torch
from torch import Tensor


def frame_index(data: Any) -> tuple[Tensor, int]:
    """Frame of each particle and the number of frames.

    Parameters
    ----------
    data : EllipsoidData or a Batch of them

    Returns
    -------
    index : Tensor ``(N,)``, int64
        Frame of each particle, from 0; zeros without `batch`.
    n_frames : int
        Number of frames. There is one for each cell, so empty frames at the end count.
    """
    index, cell = getattr(data, "batch", None), getattr(data, "cell", None)
    n_frames = 1 if cell is None or cell.dim() == 2 else cell.shape[0]
    return torch.zeros_like(data.types) if index is None else index, n_frames


def particle_counts(data: Any) -> Tensor:
    """Number of particles in each frame ``(frame,)``, int64."""
    index, n_frames = frame_index(data)
    ones = torch.ones_like(index)
    return index.new_zeros(n_frames).index_add(0, index, ones)  # bincount would wait for a GPU
