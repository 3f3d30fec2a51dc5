"""Linear map between the values of blocks and e3nn's tensor."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from e3nn.o3 import Irrep, Irreps
from torch import Tensor

from .basis import turn_components
from .tables import Positions

Layout = Literal["mul_ir", "ir_mul"]
# numbers handled at a time: as many as stay in the cache of a CPU core, enough to keep a GPU busy
_CACHED, _BUSY = 2**19, 2**26


def channel_positions(irreps: Irreps, layout: Layout) -> dict[Irrep, npt.NDArray[np.int64]]:
    """Columns ``[channel, m]`` of each irrep in e3nn's tensor."""
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
    """Rows and columns of one block's values ``(samples, 2l+1, properties)`` in e3nn's tensor."""

    rows: Positions
    columns: npt.NDArray[np.int64]  # [property, m]
    l: int  # of the basis to change, 0 for values in e3nn's basis

    @property
    def shape(self) -> tuple[int, int, int]:
        rows = self.rows
        n_rows = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
        return n_rows, self.columns.shape[1], self.columns.shape[0]

    def grid(self) -> tuple[int, int, int] | None:
        """First column and the steps between properties and between m, or None if steps vary.

        The steps are constant in either layout, and also if the irreps alternate. Such columns are a view
        of e3nn's tensor. Other columns, and those in falling order, are gathered one by one.
        """
        if self.columns.size == 0:
            return None
        first = self.columns[0, 0]
        property_step = (self.columns[1:2, 0] - first).sum()  # 0 of a single one
        component_step = (self.columns[0, 1:2] - first).sum()
        n_properties, n_components = (np.arange(n) for n in self.columns.shape)
        grid = first + n_properties[:, None] * property_step + n_components * component_step
        if min(property_step, component_step) < 0 or not np.array_equal(grid, self.columns):
            return None  # torch has no negative strides
        return int(first), int(property_step), int(component_step)


@dataclass(frozen=True)
class Rearrangement:
    """Change of basis and placement of all blocks in e3nn's tensor, with zeros between them.

    Places do not overlap and :math:`Q_l` is orthogonal. So the map back is the transpose, and each of the
    two maps is the derivative of the other.
    """

    shape: tuple[int, int]
    places: Sequence[Place]

    def to_e3nn(self, values: Sequence[Tensor]) -> Tensor:
        """Join one tensor ``(samples, 2l+1, properties)`` for each block, differentiably."""
        if not values:
            return torch.zeros(self.shape)
        if len(found := {(str(x.dtype), str(x.device)) for x in values}) > 1:
            raise ValueError(f"blocks are {sorted(found)}, expected one dtype on one device")
        parts = [x.reshape(place.shape) for place, x in zip(self.places, values, strict=True)]
        return _ToE3nn.apply(self, *parts)

    def to_blocks(self, data: Tensor) -> tuple[Tensor, ...]:
        """Split e3nn's tensor into ``(samples, 2l+1, properties)`` for each block, differentiably."""
        if not self.places:
            return ()
        return _ToBlocks.apply(self, data)

    def join(self, values: Sequence[Tensor]) -> Tensor:
        """`to_e3nn` without derivatives, a few rows at a time to save memory."""
        full = sum(part.numel() for part in values) == self.shape[0] * self.shape[1]
        data = (values[0].new_empty if full else values[0].new_zeros)(self.shape)
        for place, part in zip(self.places, values, strict=True):
            columns = _Columns(data, place)
            for chunk in _chunks(part):
                x = part[chunk].transpose(0, 1)  # -> [m, sample, property]
                x = turn_components(x.flatten(1), place.l, back=False).view(x.shape)
                columns[_part(place.rows, chunk)] = x.permute(1, 2, 0)
        return data

    def split(self, data: Tensor) -> tuple[Tensor, ...]:
        """`to_blocks` without derivatives, a few rows at a time to save memory."""
        blocks = []
        for place in self.places:
            columns = _Columns(data, place)
            block = data.new_empty(place.shape)
            for chunk in _chunks(block):
                x = columns[_part(place.rows, chunk)].permute(2, 0, 1)  # -> [m, sample, property]
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


class _Columns:
    """The columns of e3nn's tensor that belong to one block: ``columns[rows]`` is ``[row, property, m]``."""

    def __init__(self, data: Tensor, place: Place) -> None:
        self.data, self.shape = data, place.columns.shape
        self.view: Tensor | None = None
        if (grid := place.grid()) is not None:
            row, column = data.stride()
            self.view = data.as_strided(
                (len(data), *self.shape),
                (row, grid[1] * column, grid[2] * column),
                data.storage_offset() + grid[0] * column,
            )
        else:
            self.index = torch.from_numpy(place.columns.ravel()).to(data.device)

    def __getitem__(self, rows: Positions) -> Tensor:
        if self.view is not None:
            return self.view[self._index(rows)]
        return self.data[self._index(rows)][:, self.index].unflatten(1, self.shape)

    def __setitem__(self, rows: Positions, x: Tensor) -> None:
        index = self._index(rows)
        if self.view is not None:
            self.view[index] = x
        elif isinstance(index, slice):
            self.data[index, self.index] = x.flatten(1)
        else:
            self.data[index[:, None], self.index] = x.flatten(1)

    def _index(self, rows: Positions) -> slice | Tensor:
        return rows if isinstance(rows, slice) else torch.from_numpy(rows).to(self.data.device)


def _chunks(block: Tensor) -> Iterator[slice]:
    n_rows, per_row = len(block), max(block.shape[1:].numel(), 1)
    numbers = _CACHED * torch.get_num_threads() if block.device.type == "cpu" else _BUSY
    step = max(numbers // per_row, 1)
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def _part(rows: Positions, chunk: slice) -> Positions:
    if isinstance(rows, slice):
        return slice(rows.start + chunk.start, rows.start + chunk.stop)
    return rows[chunk]
