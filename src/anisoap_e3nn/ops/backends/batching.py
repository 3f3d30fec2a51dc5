"""Rule for operations of the native backend under ``torch.vmap``."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def one_by_one(operation: Any) -> Callable[..., tuple[Any, Any]]:
    """A vmap rule that runs the operation once for each member of the batch.

    ``torch.autograd.grad`` uses it too, for batches of cotangents.
    """

    def rule(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[Any, Any]:
        # of a list of numbers, in_dims has a list
        dims = (dim if isinstance(dim, int) else None for dim in in_dims)
        mapped = list(zip(inputs, dims, strict=True))
        results = [
            operation(
                *(value if dim is None else value.select(dim, member) for value, dim in mapped)
            )
            for member in range(info.batch_size)
        ]
        if not results:
            return _none(operation, mapped)
        if isinstance(results[0], Tensor):
            return torch.stack(results), 0
        stacked = tuple(torch.stack(outputs) for outputs in zip(*results, strict=True))
        return stacked, (0,) * len(stacked)

    return rule


def _none(operation: Any, mapped: list[tuple[Any, int | None]]) -> tuple[Any, Any]:
    """The results of an empty batch. Their shapes are those of a member without values."""
    member = [
        torch.empty(
            [size for axis, size in enumerate(value.shape) if axis != dim],
            dtype=value.dtype,
            device="meta",
        )
        if isinstance(value, Tensor)
        else value
        for value, dim in mapped
    ]
    outputs = operation(*member)
    device = next(value.device for value, _ in mapped if isinstance(value, Tensor))
    if isinstance(outputs, Tensor):
        return torch.empty((0, *outputs.shape), dtype=outputs.dtype, device=device), 0
    stacked = tuple(torch.empty((0, *x.shape), dtype=x.dtype, device=device) for x in outputs)
    return stacked, (0,) * len(stacked)
