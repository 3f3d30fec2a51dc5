"""Evaluation in pieces, which saves memory."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ..tracing import is_recording


def in_chunks(
    function: Callable[..., Tensor], n_chunks: int, batched: Sequence[Tensor], *others: Tensor
) -> Tensor:
    """Evaluate ``function(*batched, *others)`` piece by piece along the first dimension of `batched`.

    The backward pass computes the intermediate results of each piece again. Keeping them all would need as
    much memory as one evaluation of the whole batch.

    Parameters
    ----------
    function : callable
        Function of tensors that returns a tensor with the same first dimension as `batched`.
    n_chunks : int
        The largest number of pieces.
    batched : sequence of Tensor ``(batch, ...)``
    *others : Tensor
        Arguments that are the same for all pieces.

    Returns
    -------
    Tensor ``(batch, ...)``
    """
    if n_chunks <= 1 or is_recording():  # which would fix the number of pieces and their sizes
        return function(*batched, *others)
    size = max(1, -(-batched[0].shape[0] // n_chunks))
    pieces = zip(*(tensor.split(size) for tensor in batched), strict=True)
    return torch.cat(
        [
            # without random numbers, whose state cannot be saved while a CUDA graph is captured
            checkpoint(function, *piece, *others, use_reentrant=False, preserve_rng_state=False)
            for piece in pieces
        ]
    )
