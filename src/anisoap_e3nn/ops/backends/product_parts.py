"""Division of a sparse product into parts that fit in the registers of a GPU."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..product_program import Block

COEFFICIENTS = 3  # the target that is no operand
_LOAD, _DOT = 0, 3  # as in sparse_product.hpp


class Term(NamedTuple):
    """One product :math:`C_k out_{m_3} x^1_{m_1} x^2_{m_2}`."""

    coefficient: int
    components: tuple[int, int, int]  # m3, m1, m2


class Coupling(NamedTuple):
    """Terms between a block of out, a block of x1 and a block of x2."""

    blocks: tuple[Block, Block, Block]
    n_u: int
    n_v: int
    terms: tuple[Term, ...]

    def read_blocks(self, target: int) -> tuple[tuple[int, Block], ...]:
        """The blocks that are read, each with the number of its operand."""
        return tuple((n, block) for n, block in enumerate(self.blocks) if n != target)

    def components(self) -> set[tuple[int, Block, int]]:
        """The components that the terms use, as (operand, block, m)."""
        return {
            (n, self.blocks[n], m) for term in self.terms for n, m in enumerate(term.components)
        }


class Product(NamedTuple):
    """What a program says, apart from the order of instructions."""

    dims: tuple[int, int, int]
    n_coefficients: int
    couplings: list[Coupling]


class Limits(NamedTuple):
    """The largest size of a part."""

    components: int  # numbers of each lane that are in use at a time
    terms: int


class Write(NamedTuple):
    """Where a part writes components of a block of the target."""

    block: Block  # of the target, or of the scratch memory
    components: tuple[int, ...]
    to_scratch: bool


@dataclass
class Part:
    """Couplings that one GPU program computes for a tile of lanes.

    They have the same numbers of channels, and their blocks of the target are summed over the same channels.
    """

    target: int
    couplings: list[Coupling]
    writes: dict[Block, Write] = field(default_factory=dict)

    @property
    def n_u(self) -> int:
        return self.couplings[0].n_u

    @property
    def n_v(self) -> int:
        return self.couplings[0].n_v

    @property
    def sums_u(self) -> bool:
        return self.target != COEFFICIENTS and _sums(self.couplings[0], self.target)[0]

    @property
    def sums_v(self) -> bool:
        return self.target != COEFFICIENTS and _sums(self.couplings[0], self.target)[1]

    @property
    def n_terms(self) -> int:
        return sum(len(coupling.terms) for coupling in self.couplings)

    def kept_channels(self) -> tuple[int, int]:
        """Numbers of the channels u and v that the target has."""
        return 1 if self.sums_u else self.n_u, 1 if self.sums_v else self.n_v

    def bundles(self) -> list[list[Coupling]]:
        """Couplings one after another that read the same blocks. They share products of two."""
        return [list(members) for _, members in groupby(self.couplings, self._read_blocks)]

    def _read_blocks(self, coupling: Coupling) -> tuple[tuple[int, Block], ...]:
        return coupling.read_blocks(self.target)

    def working_set(self) -> int:
        """Numbers of each lane that are in use at a time."""
        bundles = [set().union(*(c.components() for c in bundle)) for bundle in self.bundles()]
        uses = Counter(component for bundle in bundles for component in bundle)
        lasts = self.sums_u or self.sums_v  # the target's components, in loops over channels
        lasting = {at for at, n in uses.items() if n > 1 or (lasts and at[0] == self.target)}
        return len(lasting) + max(len(bundle - lasting) for bundle in bundles)


class Division(NamedTuple):
    """The parts of a product, and how the numbers in scratch memory are summed."""

    parts: list[Part]
    scratch_size: int
    positions: NDArray[np.int64]  # of the target: those that no part writes -> [position]
    sources: NDArray[
        np.int64
    ]  # what is summed there: positions in scratch, or -1 -> [source, position]


def read_program(numbers: Sequence[int]) -> Product:
    """Read the couplings from a program of :mod:`product_program`.

    The stream of the target "coefficients" has all of them: a DOT for each path, and a LOAD for each block.
    """
    dim_out, dim1, dim2, n_coefficients = numbers[1:5]
    couplings = []
    for at in numbers[12 : 12 + numbers[11]]:
        n_u, n_v, _, blocks_at = numbers[at : at + 4]
        step, length = numbers[at + 16 : at + 18]
        end = step + length
        held: dict[int, tuple[Block, int]] = {}  # block and component in each slot
        while step < end:
            if numbers[step] == _LOAD:
                _, index, slot = numbers[step : step + 3]
                row = blocks_at + 7 * index
                block = Block(*numbers[row + 1 : row + 6])
                held |= {slot + m: (block, m) for m in range(block.components)}
                step += 3
                continue
            n = numbers[step + 1]
            entries = numbers[step + 2 : step + 2 + 4 * n]
            step += 2 + 4 * n
            if n == 0:
                continue
            blocks = tuple(held[slot][0] for slot in entries[1:4])
            terms = []
            for first in range(0, 4 * n, 4):
                m3, m1, m2 = (held[slot][1] for slot in entries[first + 1 : first + 4])
                terms.append(Term(entries[first], (m3, m1, m2)))
            couplings.append(_normalized(Coupling(blocks, n_u, n_v, tuple(terms))))  # type: ignore[arg-type]
    return Product((dim_out, dim1, dim2), n_coefficients, couplings)


def divide(product: Product, target: int, limits: Limits) -> Division:
    """Divide a product into parts, and settle where each part writes."""
    pieces = [piece for c in product.couplings for piece in _split(c, target, limits)]
    parts: list[Part] = []
    if target == COEFFICIENTS:
        for coupling in pieces:
            _append(parts, coupling, target, limits)
        return Division(parts, 0, np.zeros(0, np.int64), np.zeros((0, 0), np.int64))
    writers = Counter(coupling.blocks[target] for coupling in pieces)
    several = any(n > 1 for n in writers.values())

    def order(coupling: Coupling) -> tuple[object, ...]:
        kind = (coupling.n_u, coupling.n_v, _sums(coupling, target))
        read = tuple(block for _, block in coupling.read_blocks(target))
        written = coupling.blocks[target]
        return (*kind, written, read) if several else (*kind, read, written)

    for coupling in sorted(pieces, key=order):
        _append(parts, coupling, target, limits)
    return _settle_writes(parts, target, product.dims[target])


def _normalized(coupling: Coupling) -> Coupling:
    """Exchange u and v if there are channels u only, and let strides of single channels be 0."""
    _, n_u, n_v, terms = coupling
    swapped = n_v == 1

    def normalized(block: Block) -> Block:
        u, v = block.stride_u if n_u > 1 else 0, block.stride_v if n_v > 1 else 0
        return (
            block._replace(stride_u=v, stride_v=u)
            if swapped
            else block._replace(stride_u=u, stride_v=v)
        )

    b0, b1, b2 = map(normalized, coupling.blocks)
    return Coupling((b0, b1, b2), *((n_v, n_u) if swapped else (n_u, n_v)), terms)


def _sums(coupling: Coupling, target: int) -> tuple[bool, bool]:
    """Whether a block of the target is summed over the channels u and v."""
    block = coupling.blocks[target]
    return coupling.n_u > 1 and block.stride_u == 0, coupling.n_v > 1 and block.stride_v == 0


def _split(coupling: Coupling, target: int, limits: Limits) -> list[Coupling]:
    """Split a coupling that is too large for a part, if possible between components of the target."""
    fits = len(coupling.components()) <= limits.components
    if len(coupling.terms) == 1 or (fits and len(coupling.terms) <= limits.terms):
        return [coupling]

    def component(term: Term) -> int:
        return term.coefficient if target == COEFFICIENTS else term.components[target]

    terms = sorted(coupling.terms, key=component)
    half = len(terms) // 2
    cuts = [n for n in range(1, len(terms)) if component(terms[n]) != component(terms[n - 1])]
    cut = min(cuts, key=lambda n: abs(n - half), default=half)
    halves = (coupling._replace(terms=tuple(some)) for some in (terms[:cut], terms[cut:]))
    return [piece for some in halves for piece in _split(some, target, limits)]


def _append(parts: list[Part], coupling: Coupling, target: int, limits: Limits) -> None:
    """Append a coupling to the last part if it fits, else begin a new part."""
    if parts:
        last = parts[-1]
        larger = Part(target, [*last.couplings, coupling])
        alike = (last.n_u, last.n_v) == (coupling.n_u, coupling.n_v) and (
            target == COEFFICIENTS or (last.sums_u, last.sums_v) == _sums(coupling, target)
        )
        if alike and larger.n_terms <= limits.terms and larger.working_set() <= limits.components:
            parts[-1] = larger
            return
    parts.append(Part(target, [coupling]))


def _settle_writes(parts: list[Part], target: int, dim: int) -> Division:
    """Let parts write to the target where no other lane does, and to scratch memory elsewhere."""
    parts_of = Counter(
        block for part in parts for block in {c.blocks[target] for c in part.couplings}
    )
    wanted: list[tuple[Part, Block, tuple[int, ...], NDArray[np.int64]]] = []
    writers = np.zeros(dim, dtype=np.int64)
    for part in parts:
        for block in dict.fromkeys(coupling.blocks[target] for coupling in part.couplings):
            used = {
                term.components[target]
                for coupling in part.couplings
                for term in coupling.terms
                if coupling.blocks[target] == block
            }
            alone = parts_of[block] == 1
            components = tuple(range(block.components)) if alone else tuple(sorted(used))
            places = block.indices(*part.kept_channels()).numpy()[..., components]
            np.add.at(writers, places.ravel(), 1)
            wanted.append((part, block, components, places))
    written = np.zeros(dim, dtype=bool)
    sources: list[list[int]] = [[] for _ in range(dim)]
    scratch_size = 0
    for part, block, components, places in wanted:
        n_u, n_v = part.kept_channels()
        if (writers[places] == 1).all():
            written[places] = True
            part.writes[block] = Write(block, components, False)
            continue
        stride = n_u * n_v
        strides = stride, n_v if n_u > 1 else 0, 1 if n_v > 1 else 0
        in_scratch = Block(scratch_size, len(components), *strides)
        sources_here = in_scratch.indices(n_u, n_v).flatten().tolist()
        for place, source in zip(places.ravel().tolist(), sources_here, strict=True):
            sources[place].append(source)
        part.writes[block] = Write(in_scratch, components, True)
        scratch_size += len(components) * stride
    positions = np.flatnonzero(~written)
    return Division(parts, scratch_size, positions, _columns([sources[p] for p in positions]))


def _columns(lists: Iterable[list[int]]) -> NDArray[np.int64]:
    """Lists of different lengths as the columns of an array, filled up with -1."""
    columns = list(lists)
    table = np.full((max(map(len, columns), default=0), len(columns)), -1, dtype=np.int64)
    for number, column in enumerate(columns):
        table[: len(column), number] = column
    return table
