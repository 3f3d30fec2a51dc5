"""Computing in pieces what would need too much memory at once."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint


def in_chunks(
    function: Callable[..., Tensor], n_chunks: int, batched: Sequence[Tensor], *others: Tensor
) -> Tensor:
    """``function(*batched, *others)``, one piece of the first dimension of `batched` after the other.

    In the backward pass the intermediate results of a piece are computed again, since to keep those of all
    would need as much memory as if there were no pieces.

    Parameters
    ----------
    function : callable
        From tensors to a tensor whose first dimension is theirs.
    n_chunks : int
        The largest number of pieces.
    batched : sequence of Tensor ``(batch, ...)``
    *others : Tensor
        The same for all pieces.

    Returns
    -------
    Tensor ``(batch, ...)``
    """
    if n_chunks <= 1:
        return function(*batched, *others)
    size = max(1, -(-batched[0].shape[0] // n_chunks))
    pieces = zip(*(tensor.split(size) for tensor in batched), strict=True)
    return torch.cat(
        [checkpoint(function, *piece, *others, use_reentrant=False) for piece in pieces]
    )
