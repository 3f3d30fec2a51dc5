"""Backend ``triton`` for convolutions: the operations of :mod:`.convolution_native` on NVIDIA GPUs.

All four are sums of one form, linear in g, x, Y and W: at the centres, at the neighbours or on the edges,
with tangents in the place of one or two of them. The edges of a row are summed by one program, in their
order, so results repeat to the last bit. Messages are never stored.
"""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from . import convolution_native
from .convolution_native import ThreeTensors
from .convolution_text import LANES, read_program, sums_over_edges, values_of_edges
from .moment_problem import Order, kept, sorted_rows
from .triton_source import ONE_WARP, interpreted, kernel_of_kind, on

convolution = convolution_native.convolution


class _Kernels:
    """The kernels of a plan, for one dtype."""

    def __init__(self, numbers: Sequence[int], double: bool) -> None:
        dims, couplings = read_program(numbers)
        reverse = (dims[3], dims[1], dims[2], dims[0])
        back = [path.reversed() for path in couplings]
        self.at_centers = list(map(_kernel_of, sums_over_edges(couplings, dims, double)))
        self.at_neighbors = list(map(_kernel_of, sums_over_edges(back, reverse, double)))
        self.on_edges = list(map(_kernel_of, values_of_edges(couplings, dims, double)))
        self.n_blocks = -(-max((path.source.channels for path in couplings), default=0) // LANES)


class _Sweep:
    """Sums over the edges of a graph."""

    def __init__(self, edge_index: Tensor, program: Tensor, dtype: torch.dtype) -> None:
        self.edge_index = edge_index
        self.neighbors, self.centers = edge_index
        self.kernels = _kernels(program, dtype == torch.float64)

    def at_centers(self, out: Tensor, x: Tensor, harmonics: Tensor, weights: Tensor) -> None:
        """Add to `out` what features x of the neighbours bring."""
        self._sums(self.kernels.at_centers, out, x, harmonics, weights, 1, self.neighbors)

    def at_neighbors(self, out: Tensor, g: Tensor, harmonics: Tensor, weights: Tensor) -> None:
        """Add to `out` what cotangents g of the centres bring."""
        self._sums(self.kernels.at_neighbors, out, g, harmonics, weights, 0, self.centers)

    def on_edges(
        self, out: Sequence[Tensor], g: Tensor, x: Tensor, harmonics: Tensor, weights: Tensor
    ) -> None:
        """Add to `out` the derivatives with respect to Y and W."""
        n_edges = harmonics.shape[0]
        for kernel in self.kernels.on_edges if n_edges else ():
            kernel[(n_edges,)](
                *out, g, x, harmonics, weights, self.neighbors, self.centers, n_edges, **ONE_WARP
            )

    def _sums(
        self, kernels: list[Any], out: Tensor, source: Tensor, harmonics: Tensor, weights: Tensor,
        rows: int, others: Tensor,
    ) -> None:  # fmt: skip
        """Sums at one end of the edges, whose row of `edge_index` is number `rows`."""
        n = out.shape[0]
        if n == 0 or not kernels:
            return
        order, offsets, _ = kept(self.edge_index, n, _orders)[rows]
        for kernel in kernels:
            kernel[(n, self.kernels.n_blocks)](
                out, source, harmonics, weights, order, offsets, others, n, **ONE_WARP
            )


def convolve(*arguments: Any) -> Tensor:
    """See :func:`.convolution_native.convolve`."""
    x, harmonics, weights, edge_index, program, dim_out = _contiguous(arguments)
    out = x.new_zeros(x.shape[0], dim_out)
    with on(x.device):
        _Sweep(edge_index, program, x.dtype).at_centers(out, x, harmonics, weights)
    return out


def gradient(*arguments: Any) -> ThreeTensors:
    """See :func:`.convolution_native.gradient`."""
    g, x, harmonics, weights, edge_index, program = _contiguous(arguments)
    d_x, *on_edges = (torch.zeros_like(each) for each in (x, harmonics, weights))
    with on(x.device):
        sweep = _Sweep(edge_index, program, x.dtype)
        sweep.at_neighbors(d_x, g, harmonics, weights)
        sweep.on_edges(on_edges, g, x, harmonics, weights)
    return d_x, on_edges[0], on_edges[1]


def tangent(*arguments: Any) -> Tensor:
    """See :func:`.convolution_native.tangent`."""
    t_x, t_y, t_w, x, y, w, edge_index, program, dim_out = _contiguous(arguments)
    out = x.new_zeros(x.shape[0], dim_out)
    with on(x.device):
        sweep = _Sweep(edge_index, program, x.dtype)
        for point in ((t_x, y, w), (x, t_y, w), (x, y, t_w)):
            sweep.at_centers(out, *point)
    return out


def curvature(*arguments: Any) -> ThreeTensors:
    """See :func:`.convolution_native.curvature`."""
    t_x, t_y, t_w, g, x, y, w, edge_index, program = _contiguous(arguments)
    d_x, *on_edges = (torch.zeros_like(each) for each in (x, y, w))
    d_y, d_w = on_edges
    unused_y, unused_w = (torch.zeros_like(each) for each in on_edges)
    with on(x.device):
        sweep = _Sweep(edge_index, program, x.dtype)
        sweep.at_neighbors(d_x, g, t_y, w)
        sweep.at_neighbors(d_x, g, y, t_w)
        sweep.on_edges((d_y, d_w), g, t_x, y, w)
        sweep.on_edges((unused_y, d_w), g, x, t_y, w)
        sweep.on_edges((d_y, unused_w), g, x, y, t_w)
    return d_x, d_y, d_w


def _orders(edge_index: Tensor, n: int) -> tuple[Order, Order]:
    """Edges in the order of their neighbours, and of their centres."""
    neighbors, centers = edge_index
    return sorted_rows(neighbors, n), sorted_rows(centers, n)


def _contiguous(arguments: Sequence[Any]) -> list[Any]:
    return [each.contiguous() if isinstance(each, Tensor) else each for each in arguments]


_seen: Any = WeakTensorKeyDictionary()


def _kernels(program: Tensor, double: bool) -> _Kernels:
    """The kernels for a program, a constant. Its numbers are read only where the tensor is a new one."""
    kernels = _seen.setdefault(program, {})
    if double not in kernels:
        kernels[double] = _kernels_for(program.cpu().contiguous().numpy().tobytes(), double)
    found: _Kernels = kernels[double]
    return found


@lru_cache(maxsize=256)
def _kernels_for(program: bytes, double: bool) -> _Kernels:
    numbers = torch.frombuffer(bytearray(program), dtype=torch.int64).tolist()
    return _Kernels(numbers, double)


_kernel_of = partial(kernel_of_kind, "convolution")


for _device in ("cuda", "cpu") if interpreted else ("cuda",):
    convolution_native.convolve.register_kernel(_device)(convolve)
    convolution_native.gradient.register_kernel(_device)(gradient)
    convolution_native.tangent.register_kernel(_device)(tangent)
    convolution_native.curvature.register_kernel(_device)(curvature)
