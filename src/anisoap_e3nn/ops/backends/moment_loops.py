r"""Source text of the Triton kernels for moments of high degrees: the recurrence as loops, moments in memory.

Written out, hundreds of moments would not fit into registers, and would take hours to compile. Here a lane
keeps the scaled moments (see :mod:`.moment_source`) of the last three degrees in scratch memory of its own.

Moments of a degree d are in the order of :func:`~anisoap_e3nn.ops.monomial_tables.monomials_of`: that of
exponents (d - r, r - c, c) is number r (r + 1) / 2 + c. One more along x leaves the number as it is, one more
along y adds r + 1, and one more along z adds r + 2.
"""

from collections.abc import Iterator

from .moment_source import indented

SEGMENTS, LANES = 1, 32  # of a program, which is one warp

_LOOPS = """
{first}
for d in range(1, DEGREE + 1):
    tl.debug_barrier()
    here, one, two = d % 3 * ROWS, (d + 2) % 3 * ROWS, (d + 1) % 3 * ROWS
    for r in range(0, d):
        factor = 1 / (blank + d - r).to(DTYPE)
        for c in range(0, r + 1):
            index = r * (r + 1) // 2 + c
            lower = r * (r - 1) // 2 + c
{along_x}
    r = d
    for c in range(0, d):
        factor = 1 / (blank + d - c).to(DTYPE)
        index = d * (d + 1) // 2 + c
        lower = d * (d - 1) // 2 + c
        lowest = (d - 1) * (d - 2) // 2 + c
{along_y}
    c = d
    factor = 1 / (blank + d).to(DTYPE)
    index = d * (d + 1) // 2 + d
    lower = d * (d + 1) // 2 - 1
    lowest = d * (d - 1) // 2 - 1
{along_z}
"""

# coefficient, position of the moment, and the condition under which it exists
_Term = tuple[str, str, str]
_ALONG: dict[str, list[_Term]] = {
    "x": [
        ("ux", "one + index", "blank + d > 0"),
        ("cxx", "two + index", "blank + d - r > 1"),
        ("cxy", "two + lower", "blank + r - c > 0"),
        ("cxz", "two + lower - 1", "blank + c > 0"),
    ],
    "y": [
        ("uy", "one + lower", "blank + d > 0"),
        ("cyy", "two + lowest", "blank + d - c > 1"),
        ("cyz", "two + lowest - 1", "blank + c > 0"),
    ],
    "z": [("uz", "one + lower", "blank + d > 0"), ("czz", "two + lowest", "blank + d > 1")],
}
_PARTNERS = {
    1: {"x": "index", "y": "index + r + 1", "z": "index + r + 2"},
    2: {
        "xx": "index",
        "xy": "index + r + 1",
        "xz": "index + r + 2",
        "yy": "index + 2 * r + 3",
        "yz": "index + 2 * r + 4",
        "zz": "index + 2 * r + 5",
    },
}


def sums(dual: bool) -> list[str]:
    """Lines that add the moments of a block of pairs, or their tangents, to those of the segment."""
    moment = "d_n" if dual else "m_n"
    place = f"row + {_below('d')} + index"
    add = f"tl.store({place}, tl.load({place}, mask=inside) + tl.sum({moment}, axis=1)[:, None], mask=inside)"
    return _lines(dual, [add])


def contraction(of_covariances: bool, dual: bool) -> list[str]:
    """Lines that contract the moments of a block of pairs with the cotangent, as in :mod:`.moment_source`."""
    prefixes = "md" if dual else "m"
    partners = [("", f"{_below('d')} + index", "blank + d >= 0")]
    partners += [
        (axes, f"{_below(f'(d + {k})')} + {place}", f"blank + d + {k} <= DEGREE")
        for k in ((1, 2) if of_covariances else (1,))
        for axes, place in _PARTNERS[k].items()
    ]
    lines = []
    for axes, place, condition in partners:
        lines.append(f"g = tl.load(row + {place}, mask=inside & ({condition}), other=0.0)")
        lines += [f"{p}s{axes} = {p}s{axes} + g * {p}_n" for p in prefixes]
    start = [f"{p}s{axes} = zero" for p in prefixes for axes, *_ in partners]
    return [*start, *_lines(dual, lines)]


def _lines(dual: bool, use: list[str]) -> list[str]:
    """The loops over all moments, with lines that use each of them."""
    first = [
        "blank = tl.zeros([1, 1], tl.int32)",
        "every = lane >= 0",
        "d = 0",
        "r = 0",
        "c = 0",
        "index = 0",
        "m_n = m_0_0_0",
        "tl.store(own_row, m_n)",
    ]
    if dual:
        first += ["d_n = d_0_0_0", "tl.store(own_row + TANGENTS, d_n)"]
    blocks = {
        f"along_{axis}": indented([*_step(axis, dual), *use], depth)
        for axis, depth in (("x", 3), ("y", 2), ("z", 1))
    }
    return _LOOPS.format(first="\n".join([*first, *use]), **blocks).strip().splitlines()


def _step(axis: str, dual: bool) -> Iterator[str]:
    """Lines that compute a moment, and its tangent, from lower ones, and store them."""
    values, tangents = [], []
    for k, (coefficient, place, condition) in enumerate(_ALONG[axis]):
        load = "tl.load(own_row + ({}) * LANES{}, mask=every & ({}), other=0.0)"
        yield f"m{k} = {load.format(place, '', condition)}"
        values.append(f"{coefficient} * m{k}")
        if dual:
            yield f"d{k} = {load.format(place, ' + TANGENTS', condition)}"
            tangents.append(f"d{coefficient} * m{k} + {coefficient} * d{k}")
    yield f"m_n = ({' + '.join(values)}) * factor"
    yield "tl.store(own_row + (here + index) * LANES, m_n)"
    if dual:
        yield f"d_n = ({' + '.join(tangents)}) * factor"
        yield "tl.store(own_row + (here + index) * LANES + TANGENTS, d_n)"


def _below(degree: str) -> str:
    """How many moments have lower degrees."""
    return f"{degree} * ({degree} + 1) * ({degree} + 2) // 6"
