"""Source text of the kernels for convolutions, one or more for each target and plan.

A program has 32 lanes, each with one channel u. Kernels add to their results, which start as zeros. So
several of them can share the work of a large plan, and sums of convolutions need no further memory.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

LANES = 32
_ACCUMULATORS = 40  # numbers of a lane that a kernel keeps
_TERMS = 400


class Irrep(NamedTuple):
    """Position, number of channels and number of components of an irrep."""

    first: int
    channels: int
    components: int

    @property
    def end(self) -> int:
        return self.first + self.channels * self.components


@dataclass(frozen=True)
class Coupling:
    """A path: terms (m of the source, position in Y, m of the target, coefficient), and its weights."""

    source: Irrep
    target: Irrep
    weights: int
    terms: tuple[tuple[int, int, int, float], ...]

    def reversed(self) -> "Coupling":
        """The path with source and target exchanged."""
        terms = tuple((target, y, source, c) for source, y, target, c in self.terms)
        return Coupling(self.target, self.source, self.weights, terms)


class Program(NamedTuple):
    """A plan, read from its numbers; see :func:`~anisoap_e3nn.ops.convolution_plan.build_program`."""

    dims: tuple[int, int, int, int]  # of x, Y, W and out
    couplings: list[Coupling]


def read_program(numbers: Sequence[int]) -> Program:
    """The paths of a program, from features to sums."""
    rest = iter(numbers[1:])
    dims = (next(rest), next(rest), next(rest), next(rest))
    n_in, n_out, n_paths = next(rest), next(rest), next(rest)
    irreps = [Irrep(next(rest), next(rest), next(rest)) for _ in range(n_in + n_out)]
    couplings = []
    for _ in range(n_paths):
        source, target, weights = irreps[next(rest)], irreps[n_in + next(rest)], next(rest)
        terms = [(next(rest), next(rest), next(rest), next(rest)) for _ in range(next(rest))]
        values = np.array([bits for *_, bits in terms], np.int64).view(np.float64).tolist()
        table = tuple((m1, y, m3, c) for (m1, y, m3, _), c in zip(terms, values, strict=True))
        couplings.append(Coupling(source, target, weights, table))
    return Program(dims, couplings)


def sums_over_edges(
    couplings: Sequence[Coupling], dims: tuple[int, int, int, int], double: bool
) -> Iterator[str]:
    r"""Kernels for :math:`\sum_e C \, x_{j(e)} Y_e W_e` at one end of the edges.

    A program has one row of the target, and goes through the edges of the row. `dims` are those of the
    source, Y, W and the target.
    """
    scalar = "tl.float64" if double else "tl.float32"
    dim_source, dim_y, dim_w, dim_target = dims
    for group in _groups(couplings):
        accumulators = sorted({(c.target, m) for c in group for _, _, m, _ in c.terms})
        lines = [
            '@triton.jit(do_not_specialize=["n_rows"])',
            "def kernel(target, source, harmonics, weights, order, offsets, others, n_rows):",
            "    row = tl.program_id(0).to(tl.int64)",
            f"    u = tl.program_id(1) * {LANES} + tl.arange(0, {LANES})",
            *_masks(group),
            "    start = tl.load(offsets + row)",
            "    end = tl.load(offsets + row + 1)",
            *(f"    {_sum(*each)} = tl.zeros([{LANES}], {scalar})" for each in accumulators),
            "    for k in range(start, end):",
            "        e = tl.load(order + k).to(tl.int64)",
            f"        from_row = source + tl.load(others + e) * {dim_source}",
            f"        y_row = harmonics + e * {dim_y}",
            f"        w_row = weights + e * {dim_w}",
            *_loads("        ", group, "s", "from_row", "source"),
            *(f"        y{y} = tl.load(y_row + {y})" for y in _positions(group)),
        ]
        for path in group:
            lines.append(f"        w = {_weight(path)}")
            for m in sorted({m for _, _, m, _ in path.terms}):
                terms = (
                    f"{c!r} * y{y} * {_number('s', path.source, m1)}"
                    for m1, y, m3, c in path.terms
                    if m3 == m
                )
                lines.append(f"        {_sum(path.target, m)} += w * ({' + '.join(terms)})")
        for irrep, m in accumulators:
            place = f"target + row * {dim_target} + {irrep.first + m} + u * {irrep.components}"
            lines.append(f"    place = {place}")
            mask = f"mask=ok{irrep.channels}"
            lines.append(f"    tl.store(place, tl.load(place, {mask}) + {_sum(irrep, m)}, {mask})")
        yield "\n".join(lines) + "\n"


def values_of_edges(
    couplings: Sequence[Coupling], dims: tuple[int, int, int, int], double: bool
) -> Iterator[str]:
    """Kernels for the derivatives with respect to Y and W, from x at the neighbours and g at the centres.

    A program has one edge, and goes through the channels.
    """
    scalar = "tl.float64" if double else "tl.float32"
    dim_x, dim_y, dim_w, dim_g = dims
    for group in _groups(couplings):
        n_blocks = -(-max(path.source.channels for path in group) // LANES)
        lines = [
            '@triton.jit(do_not_specialize=["n_edges"])',
            "def kernel(d_harmonics, d_weights, g, x, harmonics, weights, neighbors, centers, n_edges):",
            "    e = tl.program_id(0).to(tl.int64)",
            f"    x_row = x + tl.load(neighbors + e) * {dim_x}",
            f"    g_row = g + tl.load(centers + e) * {dim_g}",
            f"    w_row = weights + e * {dim_w}",
            *(f"    y{y} = tl.load(harmonics + e * {dim_y} + {y})" for y in _positions(group)),
            *(f"    d_y{y} = tl.zeros([{LANES}], {scalar})" for y in _positions(group)),
            f"    for block in range({n_blocks}):",
            f"        u = block * {LANES} + tl.arange(0, {LANES})",
            *(f"    {line}" for line in _masks(group)),
            *_loads("        ", group, "s", "x_row", "source"),
            *_loads("        ", group, "t", "g_row", "target"),
        ]
        for path in group:
            lines.append(f"        w = {_weight(path)}")
            parts = []
            for y in _positions([path]):
                terms = (
                    f"{c!r} * {_number('t', path.target, m3)} * {_number('s', path.source, m1)}"
                    for m1, y2, m3, c in path.terms
                    if y2 == y
                )
                lines.append(f"        part{y} = {' + '.join(terms)}")
                lines.append(f"        d_y{y} += w * part{y}")
                parts.append(f"y{y} * part{y}")
            lines.append(f"        place = d_weights + e * {dim_w} + {path.weights} + u")
            mask = f"mask=ok{path.source.channels}"
            sums = " + ".join(parts)
            lines.append(f"        tl.store(place, tl.load(place, {mask}) + {sums}, {mask})")
        for y in _positions(group):
            lines.append(f"    place = d_harmonics + e * {dim_y} + {y}")
            lines.append(f"    tl.store(place, tl.load(place) + tl.sum(d_y{y}))")
        yield "\n".join(lines) + "\n"


def _groups(couplings: Sequence[Coupling]) -> Iterator[list[Coupling]]:
    """Paths for one kernel each: of bounded size, and with targets that are equal or do not overlap."""
    group: list[Coupling] = []
    for path in sorted(couplings, key=lambda path: path.target):
        targets = {other.target for other in group} | {path.target}
        n_numbers = sum(target.components for target in targets)
        n_terms = sum(len(other.terms) for other in (*group, path))
        overlaps = any(
            a != path.target and a.first < path.target.end and path.target.first < a.end
            for a in targets
        )
        if group and (n_numbers > _ACCUMULATORS or n_terms > _TERMS or overlaps):
            yield group
            group = []
        group.append(path)
    if group:
        yield group


def _masks(group: Iterable[Coupling]) -> list[str]:
    return [f"    ok{n} = u < {n}" for n in sorted({path.source.channels for path in group})]


def _loads(
    indent: str, group: Iterable[Coupling], letter: str, row: str, end: str
) -> Iterator[str]:
    """Load the components of sources or targets that terms need."""
    needed = {
        (path.source, m1) if end == "source" else (path.target, m3)
        for path in group
        for m1, _, m3, _ in path.terms
    }
    for irrep, m in sorted(needed):
        place = f"{row} + {irrep.first + m} + u * {irrep.components}"
        mask = f"mask=ok{irrep.channels}, other=0.0"
        yield f"{indent}{_number(letter, irrep, m)} = tl.load({place}, {mask})"


def _positions(group: Iterable[Coupling]) -> list[int]:
    """Positions in Y that the terms have."""
    return sorted({y for path in group for _, y, _, _ in path.terms})


def _weight(path: Coupling) -> str:
    return f"tl.load(w_row + {path.weights} + u, mask=ok{path.source.channels}, other=0.0)"


def _number(letter: str, irrep: Irrep, m: int) -> str:
    return f"{letter}{irrep.first}_{irrep.components}_{irrep.channels}_{m}"


def _sum(irrep: Irrep, m: int) -> str:
    return _number("sum", irrep, m)
