"""Source text of the Triton kernels for a sparse product.

The terms of a product are written out one after another, and all numbers that they share stay in registers.
The components of a block are loaded and stored together, as columns of an array [lane, component].
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..product_program import Block
from .lane_text import Lanes
from .product_parts import COEFFICIENTS, Coupling, Part

_NAMES = ("out", "x1", "x2")
_ARGUMENTS = "target, scratch, out, x1, x2, coefficients, n_batch, chunk, zero"
_LARGEST_STRIDED = 8  # components; larger blocks are read by rows


_Component = tuple[int, Block, int]  # operand, block and m


class Sizes(NamedTuple):
    """Numbers that the text of a kernel contains."""

    dims: tuple[int, int, int]
    scratch_size: int
    n_coefficients: int
    tile: int  # lanes of a tile, a power of 2
    scalar: str  # "float32" or "float64"


def kernel_source(parts: Sequence[Part], sizes: Sizes) -> str:
    """The text of a kernel that computes these parts of a product.

    Tiles are taken in chunks. A chunk is computed for one part, then for the next, so that programs that run
    at the same time share their instructions, and find the operands of their chunk in the cache.
    """
    texts = [_PartText(number, part, sizes) for number, part in enumerate(parts)]
    lines = [line for text in texts for line in text.lines()]
    lines += [
        '@triton.jit(do_not_specialize=["n_batch", "chunk", "zero"])',
        f"def kernel({_ARGUMENTS}):",
        "    n_batch = n_batch.to(tl.int64)",
        "    program = tl.program_id(0)",
        f"    rest = program % (chunk * {len(parts)})",
        f"    tile = (program // (chunk * {len(parts)})) * chunk + rest % chunk",
        "    part = rest // chunk",
    ]
    for text in texts:
        in_range = f" and tile < {text.lanes.n_tiles}" if text.target != COEFFICIENTS else ""
        lines.append(f"    if part == {text.number}{in_range}:")
        lines.append(f"        part_{text.number}({_ARGUMENTS}, tile)")
    return "\n".join(lines) + "\n"


class _PartText:
    """The text of the function that computes one part for one tile."""

    def __init__(self, number: int, part: Part, sizes: Sizes) -> None:
        self.number, self.part, self.sizes = number, part, sizes
        self.target = part.target
        self.lanes = Lanes.of(part, sizes.tile)
        self.zeros = f"tl.zeros([{sizes.tile}], tl.{sizes.scalar})"
        self.masks = self.lanes.masks
        self.coefficients = "coefficients"
        self.values: dict[_Component, str] = {}
        self.pointers: dict[tuple[str, int, int], str] = {}

    def lines(self) -> Iterator[str]:
        body = self._plain
        if self.target == COEFFICIENTS:
            body = self._sums_of_coefficients
        elif self.part.sums_u or self.part.sums_v:
            body = self._sums_over_channels
        yield "@triton.jit"
        yield f"def part_{self.number}({_ARGUMENTS}, tile):"
        yield f"    lane = tl.arange(0, {self.sizes.tile})"
        yield from ("    " + line for line in body())

    def _plain(self) -> Iterator[str]:
        yield from self.lanes.places("tile", self._operands())
        bundles = self.part.bundles()
        last = {c.blocks[self.target]: n for n, bundle in enumerate(bundles) for c in bundle}
        started: set[_Component] = set()
        for n, bundle in enumerate(bundles):
            yield from self._products(bundle, started)
            for block in [block for block, at in last.items() if at == n]:
                yield from self._store(block)

    def _sums_over_channels(self) -> Iterator[str]:
        part, lanes = self.part, self.lanes
        yield from lanes.places("tile", self._operands())
        for block, write in part.writes.items():
            for m in write.components:
                name = self.values[self.target, block, m] = f"t{len(self.values)}"
                yield f"{name} = {self.zeros}"
        indent = step = ""
        if part.sums_u:
            yield f"for u in range({part.n_u}):"
            indent, step = "    ", " + u * zero"
        if part.sums_v and part.n_v > lanes.row:
            yield f"{indent}for first_v in range(0, {part.n_v}, {lanes.row}):"
            indent, step = indent + "    ", step + " + first_v * zero"
            yield f"{indent}v = first_v + lane % {lanes.row}"
        elif part.sums_v:
            yield f"{indent}v = lane % {lanes.row}"
        if step:  # or the compiler would load all coefficients before the loop
            self.coefficients = "moving"
            yield f"{indent}moving = coefficients{step}"
        if lanes.ragged:
            yield f"{indent}in_row = v < {part.n_v}"
        started = set(self.values)
        for bundle in part.bundles():
            yield from (indent + line for line in self._products(bundle, started))
        if part.sums_v:
            self.masks = [mask for mask in self.masks if mask != "in_row"]
            rows = self.sizes.tile // lanes.row
            if rows > 1:
                yield f"lane = tl.arange(0, {rows}) * {lanes.row}"
                yield from lanes.places("tile", self._operands())
        for block in part.writes:
            yield from self._store(block)

    def _sums_of_coefficients(self) -> Iterator[str]:
        terms = [term for coupling in self.part.couplings for term in coupling.terms]
        yield from (f"c{term.coefficient} = {self.zeros}" for term in terms)
        yield f"for n in range(({self.lanes.n_tiles} - tile + chunk - 1) // chunk):"
        yield "    step = tile + n * chunk"
        yield from ("    " + line for line in self.lanes.places("step", self._operands()))
        for coupling in self.part.couplings:
            for line in self._products_of_three(coupling):
                yield "    " + line
        tile, n = self.sizes.tile, self.sizes.n_coefficients
        for coupling in self.part.couplings:  # their coefficients are numbered consecutively
            names = [f"c{k}" for k, _ in coupling.terms]
            padded = _power_of_2(len(names))
            yield f"column = tl.arange(0, {padded})"
            at = f"tile.to(tl.int64) * {n} + {coupling.terms[0].coefficient} + column"
            pointer = f"target + ({at})[None, :] * {tile} + lane[:, None]"
            mask = f"(column < {len(names)})[None, :]"
            yield f"tl.store({_by_lanes(pointer)}, {self._columns(names)}, mask={mask})"

    def _operands(self) -> dict[str, int]:
        sizes, to_scratch = self.sizes, {write.to_scratch for write in self.part.writes.values()}
        operands = dict(zip(_NAMES, sizes.dims, strict=True))
        if self.target != COEFFICIENTS:
            dim = operands.pop(_NAMES[self.target])
            operands |= {"target": dim} if False in to_scratch else {}
            operands |= {"scratch": sizes.scratch_size} if True in to_scratch else {}
        return operands

    def _products(self, bundle: Sequence[Coupling], started: set[_Component]) -> Iterator[str]:
        """Add the terms of couplings that read the same blocks; each product of two is taken once."""
        (n1, block1), (n2, block2) = bundle[0].read_blocks(self.target)
        terms = [
            (term.components[n1], term.components[n2], coupling.blocks[self.target], term)
            for coupling in bundle
            for term in coupling.terms
        ]
        terms.sort(key=lambda term: term[:2])
        yield from self._load(n1, block1, {term[0] for term in terms})
        yield from self._load(n2, block2, {term[1] for term in terms})
        last = None
        for m1, m2, block, term in terms:
            if (m1, m2) != last:
                yield f"p = {self.values[n1, block1, m1]} * {self.values[n2, block2, m2]}"
                last = m1, m2
            key = self.target, block, term.components[self.target]
            name = self.values.setdefault(key, f"t{len(self.values)}")
            sign = "+=" if key in started else "="
            started.add(key)
            yield f"{name} {sign} tl.load({self.coefficients} + {term.coefficient}) * p"

    def _products_of_three(self, coupling: Coupling) -> Iterator[str]:
        for n, block in enumerate(coupling.blocks):
            yield from self._load(n, block, {term.components[n] for term in coupling.terms})
        for k, (m3, m1, m2) in coupling.terms:
            of_components = zip(range(3), coupling.blocks, (m3, m1, m2), strict=True)
            g, x1, x2 = (self.values[key] for key in of_components)
            yield f"c{k} += {x1} * {x2} * {g}"

    def _load(self, operand: int, block: Block, components: set[int]) -> Iterator[str]:
        wanted = sorted(m for m in components if (operand, block, m) not in self.values)
        if not wanted:
            return
        yield from self._pointer(_NAMES[operand], block)
        pointer = self.pointers[_NAMES[operand], block.stride_u, block.stride_v]
        for m in wanted:
            self.values[operand, block, m] = f"{_NAMES[operand]}_{len(self.values)}"
        names = {m: self.values[operand, block, m] for m in wanted}
        together = 2 * len(wanted) > block.components > 1
        if together and (self.lanes.masks or self.lanes.differ_in(block)):
            rows = block.components > _LARGEST_STRIDED and self._in_rows(block)
            yield from self._load_columns(block, pointer, names, rows)
            return
        for m, name in names.items():
            at = f"{pointer} + {block.offset + m * block.component_stride}"
            mask = f", mask={' & '.join(self.masks)}, other=0.0" if self.masks else ""
            yield f"{name} = tl.load({at}{mask})"

    def _load_columns(
        self, block: Block, pointer: str, names: dict[int, str], rows: bool
    ) -> Iterator[str]:
        padded = _power_of_2(block.components)
        yield f"column = tl.arange(0, {padded})"
        at = self._at(pointer, block)
        filled = ", other=0.0" if self.masks else ""
        yield f"r = tl.load({at if rows else _by_lanes(at)}, mask={self._mask(block)}{filled})"
        arrays = {"r": list(range(padded))}
        while padded > 1:
            padded //= 2
            halves = {}
            for name, columns in arrays.items():
                shaped = f"tl.reshape({name}, [{self.sizes.tile}, {padded}, 2])"
                yield f"{name}0, {name}1 = tl.split({shaped if padded > 1 else name})"
                halves[f"{name}0"], halves[f"{name}1"] = columns[::2], columns[1::2]
            arrays = halves
        yield from (f"{names[m]} = {name}" for name, (m,) in arrays.items() if m in names)

    def _store(self, block: Block) -> Iterator[str]:
        write = self.part.writes[block]
        memory = "scratch" if write.to_scratch else "target"
        yield from self._pointer(memory, write.block)
        pointer = self.pointers[memory, write.block.stride_u, write.block.stride_v]
        names = [self.values.get((self.target, block, m), self.zeros) for m in write.components]
        places = range(len(names)) if write.to_scratch else write.components
        if len(names) == 1 or (len(names) < block.components and not write.to_scratch):
            for m, name in zip(places, names, strict=True):
                at = f"{pointer} + {write.block.offset + m * write.block.component_stride}"
                mask = f", mask={' & '.join(self.masks)}" if self.masks else ""
                yield f"tl.store({at}, {self._summed(name, 1)}{mask})"
            return
        padded = _power_of_2(len(names))
        yield f"column = tl.arange(0, {padded})"
        value = self._summed(self._columns(names), padded)
        if self.part.sums_v and self.sizes.tile == self.lanes.row:
            steps = f"({write.block.offset} + column * {write.block.component_stride})"
            yield f"tl.store({pointer} + {steps}, {value}, mask=column < {len(names)})"
            return
        at = self._at(pointer, write.block)
        at = at if self._in_rows(write.block) else _by_lanes(at)
        yield f"tl.store({at}, {value}, mask={self._mask(write.block)})"

    def _columns(self, names: Sequence[str]) -> str:
        """An array [lane, column], with as many columns as the next power of 2."""
        tile, padded = self.sizes.tile, _power_of_2(len(names))
        names = [f"tl.broadcast_to({name}, [{tile}])" for name in names]
        names += names[-1:] * (padded - len(names))
        return f"tl.reshape({_joined(names)}, [{tile}, {padded}])"

    def _summed(self, value: str, columns: int) -> str:
        """The sums over each row of lanes, if there are sums over v."""
        if not self.part.sums_v:
            return value
        row, rows = self.lanes.row, self.sizes.tile // self.lanes.row
        if rows == 1:
            return f"tl.sum({value}, axis=0)"
        shape = [rows, row, columns] if columns > 1 else [rows, row]
        return f"tl.sum(tl.reshape({value}, {shape}), axis=1)"

    def _pointer(self, memory: str, block: Block) -> Iterator[str]:
        key = memory, block.stride_u, block.stride_v
        if key not in self.pointers:
            self.pointers[key] = f"p{len(self.pointers)}"
            strides = ("u", block.stride_u), ("v", block.stride_v)
            steps = [f" + {channel} * {stride}" for channel, stride in strides if stride]
            if self.masks and not steps:
                steps = [" + lane * 0"]
            pointer = f"{memory}_entry" + "".join(steps)
            if block.stride_v:  # or lanes would be given to threads in another way, and be moved
                pointer = f"tl.multiple_of({pointer}, [1])"
            yield f"{self.pointers[key]} = {pointer}"

    def _at(self, pointer: str, block: Block) -> str:
        steps = f"{block.offset} + column * {block.component_stride}"
        return f"{pointer}[:, None] + ({steps})[None, :]"

    def _in_rows(self, block: Block) -> bool:
        return block.component_stride == 1 and self.lanes.differ_in(block)

    def _mask(self, block: Block) -> str:
        columns = f"(column < {block.components})[None, :]"
        return " & ".join([columns, *(f"{mask}[:, None]" for mask in self.masks)])


def _power_of_2(n: int) -> int:
    return 1 << (n - 1).bit_length()


def _by_lanes(pointer: str) -> str:
    """Let neighbouring threads read neighbouring lanes, and each of them one column after another."""
    return f"tl.multiple_of(tl.max_contiguous({pointer}, [2, 1]), [1, 1])"


def _joined(names: Sequence[str]) -> str:
    """Arrays side by side, along new last dimensions."""
    if len(names) == 1:
        return names[0]
    return f"tl.join({_joined(names[::2])}, {_joined(names[1::2])})"
