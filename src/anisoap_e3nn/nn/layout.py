"""Layout of irreps along the last dimension of a tensor, and paths between their entries."""

from typing import NamedTuple

from e3nn import o3
from torch import Tensor

from ..clebsch_gordan import CouplingTable
from ..ops import Block, Path


class Entry(NamedTuple):
    """One entry ``mul x ir`` of a tensor."""

    offset: int
    mul: int
    dim: int  # 2l + 1
    channel_stride: int
    component_stride: int

    @classmethod
    def at(cls, offset: int, mul: int, dim: int, layout: str = "mul_ir") -> "Entry":
        """Entry ``mul x ir`` that begins at `offset`, with dim = 2l + 1."""
        return cls(offset, mul, dim, *((dim, 1) if layout == "mul_ir" else (1, mul)))

    @property
    def end(self) -> int:
        return self.offset + self.mul * self.dim

    def block(self, u: int = 0, v: int = 0, first: int = 0) -> Block:
        """Channels ``first + u i + v j``, for the two indices i and j of a path."""
        return Block(
            self.offset + first * self.channel_stride,
            self.dim,
            self.component_stride,
            u * self.channel_stride,
            v * self.channel_stride,
        )

    def channels(self, x: Tensor) -> Tensor:
        """Part of x that belongs to this entry, as ``(..., mul, 2l + 1)``."""
        part = x.narrow(-1, self.offset, self.mul * self.dim)
        if self.component_stride == 1:
            return part.unflatten(-1, (self.mul, self.dim))
        return part.unflatten(-1, (self.dim, self.mul)).transpose(-1, -2)

    def flatten(self, channels: Tensor) -> Tensor:
        """Flatten channels ``(..., mul, 2l + 1)`` in the layout of this entry."""
        return (channels if self.component_stride == 1 else channels.transpose(-1, -2)).flatten(-2)


def entries(irreps: o3.Irreps, layout: str = "mul_ir") -> list[Entry]:
    """List the entries of irreps.

    Parameters
    ----------
    irreps : Irreps
    layout : {"mul_ir", "ir_mul"}
        With "mul_ir", e3nn's layout, the components of a channel are contiguous; with "ir_mul" the channels
        of a component are.
    """
    found: list[Entry] = []
    for mul, ir in irreps:
        found.append(Entry.at(found[-1].end if found else 0, mul, ir.dim, layout))
    return found


def paths_between(
    x1: Entry, x2: Entry, out: Entry, channels: str, table: CouplingTable
) -> list[Path]:
    """List the paths from channels u of `x1` and v of `x2` to the channels of `out`.

    Parameters
    ----------
    x1, x2, out : Entry
    channels : {"uuu", "uuw", "uvuv", "uvu<v", "uvu<=v", "uvu", "uvv"}
        Pairs of channels, and the channels of `out` that they go to:

        - "uuu": one channel for each u = v;
        - "uuw": one channel, the sum over u = v;
        - "uvuv": one channel for each pair (u, v), sorted by u, then v;
        - "uvu<v", "uvu<=v": one channel for each of these pairs, in the same order;
        - "uvu": one channel for each u, the sum over v;
        - "uvv": one channel for each v, the sum over u.
    table : CouplingTable
        Coefficients of the products.
    """
    columns = [column.tolist() for column in table]

    def path(block1: Block, block2: Block, block_out: Block, n_u: int, n_v: int) -> Path:
        return Path(block1, block2, block_out, n_u, n_v, *columns)

    every_v = out.block(v=1)
    match channels:
        case "uuu":
            return [path(x1.block(v=1), x2.block(v=1), every_v, 1, x1.mul)]
        case "uuw":
            return [
                path(x1.block(first=u), x2.block(first=u), out.block(), 1, 1) for u in range(x1.mul)
            ]
        case "uvuv":
            return [path(x1.block(u=1), x2.block(v=1), out.block(u=x2.mul, v=1), x1.mul, x2.mul)]
        case "uvu":
            return [
                path(x1.block(v=1), x2.block(first=v), every_v, 1, x1.mul) for v in range(x2.mul)
            ]
        case "uvv":
            return [
                path(x1.block(first=u), x2.block(v=1), every_v, 1, x2.mul) for u in range(x1.mul)
            ]
    after_u = {"uvu<v": 1, "uvu<=v": 0}[channels]
    paths, first = [], 0
    for u in range(x1.mul - after_u):
        n_v = x2.mul - u - after_u
        x2_block, out_block = x2.block(v=1, first=u + after_u), out.block(v=1, first=first)
        paths.append(path(x1.block(first=u), x2_block, out_block, 1, n_v))
        first += n_v
    return paths
