"""Energies and their derivatives of many frames."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from ..data.batches import iterate_batches
from ..potentials import Mechanics, mechanics


def predict(
    model: Callable[[Any], Tensor], frames: Iterable[Any], batch_size: int = 64
) -> Mechanics:
    """:func:`~anisoap_e3nn.potentials.mechanics` of all frames together, a batch at a time.

    Parameters
    ----------
    model : Module or function
        From data to energies of the particles ``(N,)``.
    frames : iterable of EllipsoidData
        One or more.
    batch_size : int
        Frames at a time, which bounds the memory.

    Returns
    -------
    Mechanics
        As of one batch of all frames, without a graph.
    """
    results = [mechanics(model, batch) for batch in iterate_batches(frames, batch_size)]
    return Mechanics(*map(torch.cat, zip(*results, strict=True)))
