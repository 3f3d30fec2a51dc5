"""What a model says of many frames."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .mechanics import Mechanics, mechanics


def predict(
    model: Callable[[Any], Tensor], frames: Sequence[Any], batch_size: int = 64
) -> Mechanics:
    """:func:`~anisoap_e3nn.models.mechanics` of all frames together, a batch at a time.

    Parameters
    ----------
    model : Module or function
        From data to energies of the particles ``(N,)``.
    frames : sequence of EllipsoidData
        One or more.
    batch_size : int
        Frames at a time, which bounds the memory.

    Returns
    -------
    Mechanics
        As of one batch of all frames, without a graph.
    """
    from torch_geometric.data import Batch

    starts = range(0, len(frames), batch_size)
    batches = (Batch.from_data_list(list(frames[start : start + batch_size])) for start in starts)
    results = [mechanics(model, batch) for batch in batches]
    return Mechanics(*map(torch.cat, zip(*results, strict=True)))
