"""Rule for operations of the native backend under ``torch.vmap``."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def one_by_one(operation: Any) -> Callable[..., tuple[Any, Any]]:
    """A vmap rule that runs the operation once for each member of the batch.

    ``torch.autograd.grad`` uses it too, for batches of cotangents.
    """

    def rule(info: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Any, Any]:
        results = [
            operation(
                *(
                    value if dim is None else value.select(dim, member)
                    for value, dim in zip(inputs, in_dims, strict=True)
                )
            )
            for member in range(info.batch_size)
        ]
        if isinstance(results[0], Tensor):
            return torch.stack(results), 0
        stacked = tuple(torch.stack(outputs) for outputs in zip(*results, strict=True))
        return stacked, (0,) * len(stacked)

    return rule
