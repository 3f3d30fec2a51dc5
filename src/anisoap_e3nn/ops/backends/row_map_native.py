"""Backend ``native`` for constant maps of rows: C++ on the CPU, differentiable any number of times.

The map is linear, and its derivative is the map by the transposed matrix.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...tracing import is_differentiating
from . import native
from .batching import one_by_one
from .differentiation import Tensors, register_derivatives


def row_map(x: Tensor, *constants: Any) -> Tensor:
    """See :func:`map_rows`; without what autograd needs, where no derivatives are wanted."""
    if is_differentiating(x):
        mapped: Tensor = map_rows(x, *constants)
        return mapped
    return _run(x, *constants)


@torch.library.custom_op("anisoap_e3nn::map_rows", mutates_args=(), device_types="cpu")
def map_rows(
    x: Tensor,
    matrices: Tensor,
    program: Tensor,
    transposed_matrices: Tensor,
    transposed_program: Tensor,
    dim_out: int,
) -> Tensor:
    """Rows x B, with the blocks of B, and those of its transpose for derivatives."""
    return _run(x, matrices, program, transposed_matrices, transposed_program, dim_out)


@map_rows.register_fake
def _(x: Tensor, *constants: Any) -> Tensor:
    return x.new_empty(x.shape[0], constants[-1])


def _backward(inputs: Sequence[Any], cotangents: Tensors, needed: Sequence[bool]) -> Tensors:
    x, matrices, program, transposed_matrices, transposed_program, _ = inputs
    transposed = transposed_matrices, transposed_program, matrices, program
    return (map_rows(cotangents[0], *transposed, x.shape[1]), *(None,) * 5)


def _jvp(inputs: Sequence[Any], tangents: Tensors) -> Tensor:
    tangent: Tensor = map_rows(tangents[0], *inputs[1:])
    return tangent


register_derivatives(map_rows, _backward, _jvp)
map_rows.register_vmap(one_by_one(map_rows))


def _run(x: Tensor, matrices: Tensor, program: Tensor, *others: Any) -> Tensor:
    y = x.new_empty(x.shape[0], others[-1])
    kernel = native._native.row_map_f64 if x.dtype == torch.float64 else native._native.row_map_f32
    arrays = (native._array(tensor) for tensor in (x, matrices, program))
    kernel(*arrays, y.numpy(), torch.get_num_threads())
    return y
