"""Source text for the places of lanes: batch entry, channels u and v, and pointers to them."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..product_program import Block
from .product_parts import Part


@dataclass(frozen=True)
class Lanes:
    """Tiles of lanes for a part. A lane is one (batch entry, u, v), and neighbouring lanes differ in v.

    In sums over v, a tile consists of rows. The lanes of a row have one batch entry and one u. They go
    through all v in steps of `row`. In sums over u, a lane goes through all u.
    """

    tile: int  # number of lanes, a power of 2
    n_u: int  # 1 in sums over u
    n_v: int  # `row` in sums over v
    row: int  # lanes of a row; 1 if there are no sums over v
    sums_u: bool
    ragged: bool  # whether the last step in v is shorter than a row

    @classmethod
    def of(cls, part: Part, tile: int) -> "Lanes":
        n_u, n_v = part.kept_channels()
        if not part.sums_v:
            return cls(tile, n_u, n_v, 1, part.sums_u, False)
        row = min(tile, 1 << (part.n_v - 1).bit_length())
        return cls(tile, n_u, row, row, part.sums_u, part.n_v % row > 0)

    @property
    def n_channels(self) -> int:
        """Number of lanes for one entry of the batch."""
        return self.n_u * self.n_v

    @property
    def share_entry(self) -> bool:
        """Whether all lanes of a tile have the same batch entry."""
        return self.n_channels % self.tile == 0

    @property
    def n_tiles(self) -> str:
        return f"(n_batch * {self.n_channels} + {self.tile - 1}) // {self.tile}"

    @property
    def masks(self) -> list[str]:
        """Names of the conditions under which a lane counts."""
        conditions = ("ok", not self.share_entry), ("in_row", self.ragged)
        return [name for name, needed in conditions if needed]

    def places(self, tile: str, operands: dict[str, int]) -> Iterator[str]:
        """Set u, v and, for each operand of these sizes, a pointer to the batch entry."""
        size, n_v, n = self.tile, self.n_v, self.n_channels
        offset = ""
        if self.share_entry:
            yield f"first_batch = ({tile} // {n // size}).to(tl.int64)"
            yield f"first_channel = ({tile} % {n // size}).to(tl.int32) * {size}"
            u, v = f"(first_channel + lane) // {n_v}", f"(first_channel + lane) % {n_v}"
            if n_v % size == 0:
                u, v = f"first_channel // {n_v}", f"first_channel % {n_v} + lane"
        else:
            if size % n == 0:
                yield f"first_batch = {tile}.to(tl.int64) * {size // n}"
                yield "channel = lane"
            else:
                yield f"first_batch = {tile}.to(tl.int64) * {size} // {n}"
                yield f"channel = ({tile}.to(tl.int64) * {size} % {n}).to(tl.int32) + lane"
            yield f"entry = channel // {n}"
            yield "ok = first_batch + entry < n_batch"
            u, v = f"channel % {n} // {n_v}", f"channel % {n_v}"
            offset = " + entry * {dim}"
        if not self.sums_u:
            yield f"u = {u}"
        if self.row == 1:
            yield f"v = {v}"
        for name, dim in operands.items():
            yield f"{name}_entry = {name} + first_batch * {dim}" + offset.format(dim=dim)

    def differ_in(self, block: Block) -> bool:
        """Whether neighbouring lanes have different numbers of a block."""
        return block.stride_v > 0 or (self.n_v == 1 and not self.share_entry)
