"""Predictions of a model for many frames."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from ..data.batches import iterate_batches
from ..potentials import Mechanics, mechanics


def predict(
    model: Callable[[Any], Tensor], frames: Iterable[Any], batch_size: int = 64
) -> Mechanics:
    """Evaluate :func:`~anisoap_e3nn.potentials.mechanics` for many frames, batch by batch.

    Parameters
    ----------
    model : Module or function
        From data to energies of the particles ``(N,)``.
    frames : iterable of EllipsoidData
        One or more frames.
    batch_size : int
        Number of frames in a batch; it bounds the memory.

    Returns
    -------
    Mechanics
        Result as for one batch of all frames, without a graph.
    """
    results = [mechanics(model, batch) for batch in iterate_batches(frames, batch_size)]
    if not results:
        raise ValueError("frames is empty, expected one or more frames")
    return Mechanics(*map(torch.cat, zip(*results, strict=True)))
