"""Sparse accumulation, with the interface of the package sparse_accumulation."""

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch._C._functorch import is_batchedtensor

from ..arguments import integer
from ..tensor_arguments import check_tensors
from ..tracing import is_tracing, without_gradients
from .product_program import Block, Path, ProductPlan
from .sparse_product import sparse_product


def accumulate(
    X1: Tensor,
    X2: Tensor,
    idx_output: Tensor,
    output_size: int,
    idx_1: Tensor,
    idx_2: Tensor,
    multipliers: Tensor,
) -> Tensor:
    r"""Multiply components and add the products up, at given indices.

    .. math::
        Y_{\ldots \, \mu_k} \mathrel{+}= C_k \, X^1_{\ldots \, m^1_k} X^2_{\ldots \, m^2_k}

    With Clebsch-Gordan coefficients :math:`C` it couples irreps. It is differentiable any number of times in
    `X1`, `X2` and `multipliers`. Arguments have the names and the order of the package sparse_accumulation
    (S. Pozdnyakov and others).

    Parameters
    ----------
    X1, X2 : Tensor ``(..., active_1)``, ``(..., active_2)``, float32 or float64
        With the same leading dimensions.
    idx_output, idx_1, idx_2 : Tensor ``(entry,)``, integers
        :math:`\mu_k`, :math:`m^1_k` and :math:`m^2_k`, in any order.
    output_size : int
        Size of the output's active dimension.
    multipliers : Tensor ``(entry,)``
        :math:`C_k`.

    Returns
    -------
    Tensor ``(..., output_size)``

    Raises
    ------
    ValueError
        If shapes do not fit, indices are out of range, or tensors are on different devices.
    TypeError
        If indices are not integers, or the other tensors are not all of one floating-point type.

    Examples
    --------
    The cross product:

    >>> a, b, c = torch.tensor([[0, 1, 2, 1, 2, 0], [1, 2, 0, 0, 1, 2], [2, 0, 1, 2, 0, 1]])
    >>> signs = torch.tensor([1.0, 1, 1, -1, -1, -1])
    >>> accumulate(torch.tensor([[1.0, 0, 0]]), torch.tensor([[0.0, 1, 0]]), c, 3, a, b, signs)
    tensor([[0., 0., 1.]])
    """
    check_tensors(X1=X1, X2=X2)
    _check_indices(idx_output, idx_1, idx_2, multipliers)
    if not is_tracing():  # whose numbers are symbols
        output_size = integer("output_size", output_size, at_least=0)
    if X1.dim() == 0 or X2.dim() == 0:
        raise ValueError("X1 or X2 is a single number, expected the active dimension at least")
    _check_operands(X1, X2, (*X1.shape[:-1], X2.shape[-1]), multipliers)
    # Each row is a batch entry with one channel. The kernel works on many rows side by side.
    sizes = (output_size, X1.shape[-1], X2.shape[-1])
    plan = _plan(sizes, 1, *_bytes(idx_output, idx_1, idx_2))
    n_rows = math.prod(X1.shape[:-1])
    rows_1, rows_2 = X1.reshape(n_rows, sizes[1]), X2.reshape(n_rows, sizes[2])
    return sparse_product(rows_1, rows_2, multipliers, plan).view(*X1.shape[:-1], output_size)


def accumulate_active_dim_middle(
    X1: Tensor,
    X2: Tensor,
    idx_output: Tensor,
    output_size: int,
    idx_1: Tensor,
    idx_2: Tensor,
    multipliers: Tensor,
) -> Tensor:
    """Like :func:`accumulate`, for tensors ``(..., active, channel)``.

    It is the fastest of the three. Arguments and errors are those of :func:`accumulate`.

    Returns
    -------
    Tensor ``(..., output_size, channel)``
    """
    check_tensors(X1=X1, X2=X2)
    _check_indices(idx_output, idx_1, idx_2, multipliers)
    if not is_tracing():  # whose numbers are symbols
        output_size = integer("output_size", output_size, at_least=0)
    if X1.dim() < 2 or X2.dim() < 2:
        raise ValueError(
            f"X1 and X2 have {X1.dim()} and {X2.dim()} dimensions, expected the active one and the "
            "channels' at least"
        )
    *leading, active_1, channels = X1.shape
    _check_operands(X1, X2, (*leading, X2.shape[-2], channels), multipliers)
    sizes = (output_size, active_1, X2.shape[-2])
    plan = _plan(sizes, channels, *_bytes(idx_output, idx_1, idx_2))
    n_rows = math.prod(leading)
    rows_1, rows_2 = (
        X1.reshape(n_rows, sizes[1] * channels),
        X2.reshape(n_rows, sizes[2] * channels),
    )
    product = sparse_product(rows_1, rows_2, multipliers, plan)
    return product.view(*leading, output_size, channels)


def accumulate_active_dim_first(
    X1: Tensor,
    X2: Tensor,
    idx_output: Tensor,
    output_size: int,
    idx_1: Tensor,
    idx_2: Tensor,
    multipliers: Tensor,
) -> Tensor:
    """Like :func:`accumulate`, for tensors ``(active, ...)``.

    The tensors are copied so that their active dimension comes last. Arguments and errors are those of
    :func:`accumulate`.

    Returns
    -------
    Tensor ``(output_size, ...)``
    """
    check_tensors(X1=X1, X2=X2)
    X1, X2 = X1.movedim(0, -1), X2.movedim(0, -1)
    product = accumulate(X1, X2, idx_output, output_size, idx_1, idx_2, multipliers)
    return product.movedim(-1, 0)


def _bytes(*indices: Tensor) -> tuple[bytes, ...]:
    if torch._C._are_functorch_transforms_active():
        indices = tuple(_without_transforms(idx) for idx in indices)
    with torch._C._DisableFuncTorch():
        return tuple(
            idx.detach().to("cpu", torch.int64).contiguous().numpy().tobytes() for idx in indices
        )


def _without_transforms(idx: Tensor) -> Tensor:
    """The tensor beneath the wrappers of ``torch.func``."""
    idx = without_gradients(idx)
    if is_batchedtensor(idx):
        raise ValueError(
            "indices are mapped over by torch.vmap, expected the same ones for all members; map over "
            "X1, X2 and multipliers only"
        )
    return idx


@lru_cache(maxsize=256)
def _plan(
    sizes: tuple[int, int, int], channels: int, idx_output: bytes, idx_1: bytes, idx_2: bytes
) -> ProductPlan:
    """The plan of one path with contiguous channels, made once for the same indices."""
    m3, m1, m2 = (np.frombuffer(idx, dtype=np.int64) for idx in (idx_output, idx_1, idx_2))
    named = zip(("idx_output", "idx_1", "idx_2"), (m3, m1, m2), sizes, strict=True)
    for name, m, size in named:
        if len(m) and not 0 <= m.min() <= m.max() < size:
            raise ValueError(f"{name} goes from {m.min()} to {m.max()}, expected 0 to {size - 1}")
    stride = 1 if channels > 1 else 0
    out, x1, x2 = (Block(0, size, channels, 0, stride or size) for size in sizes)
    path = Path(x1, x2, out, 1, channels, m1.tolist(), m2.tolist(), m3.tolist(), [1.0] * len(m1))
    dims = sizes[0] * channels, sizes[1] * channels, sizes[2] * channels
    return ProductPlan((path,), dims)


def _check_indices(idx_output: Tensor, idx_1: Tensor, idx_2: Tensor, multipliers: Tensor) -> None:
    check_tensors(idx_output=idx_output, idx_1=idx_1, idx_2=idx_2, multipliers=multipliers)
    for name, idx in (("idx_output", idx_output), ("idx_1", idx_1), ("idx_2", idx_2)):
        if idx.shape != multipliers.shape or idx.dim() != 1:
            raise ValueError(
                f"{name} has shape {tuple(idx.shape)}, multipliers {tuple(multipliers.shape)}; "
                "expected one entry of each for every term"
            )
        if idx.is_floating_point() or idx.is_complex() or idx.dtype == torch.bool:
            raise TypeError(f"{name} is {idx.dtype}, expected integers")


def _check_operands(X1: Tensor, X2: Tensor, expected: tuple[int, ...], multipliers: Tensor) -> None:
    if X2.shape != expected:
        raise ValueError(
            f"X1 has shape {tuple(X1.shape)} and X2 {tuple(X2.shape)}, expected the same but for the "
            "active dimension"
        )
    for name, tensor in (("X1", X1), ("X2", X2), ("multipliers", multipliers)):
        if tensor.dtype != X1.dtype or not tensor.is_floating_point():
            raise TypeError(
                f"{name} is {tensor.dtype}, expected X1, X2 and multipliers of one floating-point type"
            )
        if tensor.device != X1.device:
            raise ValueError(f"{name} is on {tensor.device}, X1 on {X1.device}; move one of them")
