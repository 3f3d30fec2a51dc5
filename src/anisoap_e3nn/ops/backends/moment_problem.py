"""What all Triton kernels for moments read: pairs in the order of their segments, and rows of particles."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from ..moment_inputs import MomentInputs

_NEAR = 2048  # rows that are sorted by their length together: 512 to 8192 are as fast on an H100
_ROW = (0, 1, 2, 4, 5, 8, 9, 9)  # the fields of a particle's row, in the nine entries of C and w


class Order(NamedTuple):
    """Entries in the order of their rows: those of row i are ``order[offsets[i]:offsets[i + 1]]``.

    A program that sums several rows takes as long as the longest of them. So it is given consecutive ones of
    `by_length`: each few thousand rows, whose entries are near in memory, are in it with the longest first.
    """

    order: Tensor
    offsets: Tensor
    by_length: Tensor  # [row]


def order_of(rows: Tensor, n_rows: int) -> Order:
    """Order of the row of each entry ``(entry,)``, kept as long as that tensor lives."""
    found: Order = kept(rows, n_rows, sorted_rows)
    return found


def sorted_rows(rows: Tensor, n_rows: int) -> Order:
    """Order of the row of each entry ``(entry,)``, sought anew."""
    in_order, order = torch.sort(rows.to(torch.int32), stable=True)
    bounds = torch.arange(n_rows + 1, device=rows.device, dtype=torch.int32)
    offsets = torch.searchsorted(in_order, bounds, out_int32=True)
    blocks = torch.arange(n_rows, device=rows.device) // _NEAR
    by_length = torch.argsort((blocks << 32) - offsets.diff(), stable=True)
    return Order(order.to(torch.int32), offsets, by_length.to(torch.int32))


def _inverse(segments: Tensor, n_segments: int) -> Tensor:
    """The particle of each segment, -1 where there is none."""
    particles = torch.arange(segments.shape[0], device=segments.device)
    return particles.new_full((n_segments,), -1).scatter_(0, segments, particles)


def kept(indices: Tensor, n: int, function: Callable[[Tensor, int], Any]) -> Any:
    """What a function makes of indices, kept as long as they live: for derivatives, and for later calls."""
    if indices.is_inference() or (indices.is_cuda and torch.cuda.is_current_stream_capturing()):
        return function(indices, n)
    results = _results.setdefault(indices, {})
    key = n, indices._version, function
    if key not in results:
        results.clear()  # of indices that were overwritten
        results[key] = function(indices, n)
    return results[key]


_results: Any = WeakTensorKeyDictionary()


def problem_of(inputs: MomentInputs) -> tuple[Tensor, ...]:
    """The leading arguments of all kernels."""
    vectors = inputs.edge_vectors.contiguous()
    own = inputs.own_segments
    if own is not None:
        own = kept(own, inputs.n_segments, _inverse)
    order = order_of(inputs.segments, inputs.n_segments)
    return (
        vectors,
        inputs.neighbors.contiguous(),
        vectors if inputs.pair_weights is None else inputs.pair_weights.contiguous(),
        *order,
        inputs.neighbors if own is None else own,
        rows_of_particles(inputs.covariances, inputs.weights),
        _exponent(inputs.exponent, vectors.dtype, vectors.device),
    )


@cache
def _exponent(value: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """As a tensor, since float arguments of kernels are float32."""
    return torch.full((1,), value, dtype=dtype, device=device)


def rows_of_particles(covariances: Tensor, weights: Tensor) -> Tensor:
    """Entries of C and w of each particle, side by side ``(particle, 8)``."""
    C = (covariances + covariances.mT) / 2  # -> [particle, 3, 3]
    fields = torch.cat([C.flatten(1), weights[:, None]], dim=1)  # -> [particle, 10]
    return fields.index_select(1, constant(_ROW, fields.device))  # -> [particle, 8]


@cache
def constant(values: tuple[int, ...], device: torch.device) -> Tensor:
    """Integers as a tensor, copied once."""
    return torch.tensor(values, device=device)
