"""The linear map between the blocks' values and e3nn's tensor."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from e3nn.o3 import Irrep, Irreps
from torch import Tensor

from .basis import turn_components
from .tables import Positions, run_or_list

Layout = Literal["mul_ir", "ir_mul"]
# numbers handled at a time: what stays in a CPU's cache, what keeps a GPU busy
_CACHED, _BUSY = 2**18, 2**26


def channel_positions(irreps: Irreps, layout: Layout) -> dict[Irrep, npt.NDArray[np.int64]]:
    """Where the components of every channel are in a row of e3nn's tensor: ``[channel, m]``."""
    if layout not in ("mul_ir", "ir_mul"):
        raise ValueError(f"layout is {layout!r}, expected 'mul_ir' or 'ir_mul'")
    found: dict[Irrep, list[npt.NDArray[np.int64]]] = {}
    for (mul, ir), span in zip(irreps, irreps.slices(), strict=True):
        inside = np.arange(span.start, span.stop)
        by_channel = (
            inside.reshape(mul, ir.dim) if layout == "mul_ir" else inside.reshape(ir.dim, mul).T
        )
        found.setdefault(ir, []).append(by_channel)
    return {ir: np.concatenate(parts) for ir, parts in found.items()}


@dataclass(frozen=True)
class Place:
    """Where one block's values ``(samples, 2l+1, properties)`` are in e3nn's tensor."""

    rows: Positions
    columns: npt.NDArray[np.int64]  # [property, m]
    n_components: int  # 2l+1
    l: int  # of the basis to turn, 0 for values that are already e3nn's

    @property
    def shape(self) -> tuple[int, int, int]:
        return _length(self.rows), self.n_components, len(self.columns)

    def columns_in_order(self, layout: Layout) -> Positions:
        in_order = self.columns if layout == "mul_ir" else self.columns.T
        return run_or_list(in_order.ravel())


@dataclass(frozen=True)
class Rearrangement:
    """Blocks turned into e3nn's basis and put in their places, with zeros between them.

    Places do not overlap and :math:`Q_l` is orthogonal, so the way back is the transpose, and either
    direction is the derivative of the other.
    """

    shape: tuple[int, int]
    places: Sequence[Place]
    layout: Layout

    def to_e3nn(self, values: Sequence[Tensor]) -> Tensor:
        """From one tensor ``(samples, 2l+1, properties)`` for each block, differentiably."""
        if not values:
            return torch.zeros(self.shape)
        parts = [x.reshape(place.shape) for place, x in zip(self.places, values, strict=True)]
        return _ToE3nn.apply(self, *parts)

    def to_blocks(self, data: Tensor) -> tuple[Tensor, ...]:
        """To one tensor ``(samples, 2l+1, properties)`` for each block, differentiably."""
        if not self.places:
            return ()
        return _ToBlocks.apply(self, data)

    def join(self, values: Sequence[Tensor]) -> Tensor:
        full = sum(part.numel() for part in values) == self.shape[0] * self.shape[1]
        data = (values[0].new_empty if full else values[0].new_zeros)(self.shape)
        for place, part in zip(self.places, values, strict=True):
            columns = place.columns_in_order(self.layout)
            for chunk in _chunks(part):
                x = part[chunk].transpose(0, 1)  # -> [m, sample, property]
                x = turn_components(x.flatten(1), place.l, back=False).view(x.shape)
                order = (1, 2, 0) if self.layout == "mul_ir" else (1, 0, 2)
                _write(data, _part(place.rows, chunk), columns, x.permute(order))
        return data

    def split(self, data: Tensor) -> tuple[Tensor, ...]:
        blocks = []
        for place in self.places:
            _, n_components, n_properties = place.shape
            columns = place.columns_in_order(self.layout)
            block = data.new_empty(place.shape)
            for chunk in _chunks(block):
                x = _read(data, _part(place.rows, chunk), columns)
                if self.layout == "mul_ir":
                    x = x.unflatten(1, (n_properties, n_components)).permute(
                        2, 0, 1
                    )  # -> [m, sample, property]
                else:
                    x = x.unflatten(1, (n_components, n_properties)).transpose(0, 1)
                x = turn_components(x.flatten(1), place.l, back=True).view(x.shape)
                block[chunk] = x.transpose(0, 1)
            blocks.append(block)
        return tuple(blocks)


class _ToE3nn(torch.autograd.Function):
    @staticmethod
    def forward(rearrangement: Rearrangement, *values: Tensor) -> Tensor:
        return rearrangement.join(values)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.rearrangement = inputs[0]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return None, *ctx.rearrangement.to_blocks(gradient)


class _ToBlocks(torch.autograd.Function):
    @staticmethod
    def forward(rearrangement: Rearrangement, data: Tensor) -> tuple[Tensor, ...]:
        return rearrangement.split(data)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.rearrangement = inputs[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return None, ctx.rearrangement.to_e3nn(gradients)


def _chunks(block: Tensor) -> Iterator[slice]:
    rows, per_row = len(block), max(block[0].numel() if len(block) else 0, 1)
    step = max((_CACHED if block.device.type == "cpu" else _BUSY) // per_row, 1)
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def _length(positions: Positions) -> int:
    return positions.stop - positions.start if isinstance(positions, slice) else len(positions)


def _part(positions: Positions, chunk: slice) -> Positions:
    if isinstance(positions, slice):
        return slice(positions.start + chunk.start, positions.start + chunk.stop)
    return positions[chunk]


def _index(positions: Positions, device: torch.device) -> slice | Tensor:
    return positions if isinstance(positions, slice) else torch.from_numpy(positions).to(device)


def _write(data: Tensor, rows: Positions, columns: Positions, x: Tensor) -> None:
    """``data[rows][:, columns] = x`` with x ``[row, ...]``; a view of data where both are runs."""
    r, c = _index(rows, data.device), _index(columns, data.device)
    if isinstance(c, slice):
        data[:, c].unflatten(1, x.shape[1:])[r] = x
    elif isinstance(r, slice):
        data[r, c] = x.flatten(1)
    else:
        data[r[:, None], c] = x.flatten(1)


def _read(data: Tensor, rows: Positions, columns: Positions) -> Tensor:
    r, c = _index(rows, data.device), _index(columns, data.device)
    return data[:, c][r] if isinstance(c, slice) else data[r][:, c]
