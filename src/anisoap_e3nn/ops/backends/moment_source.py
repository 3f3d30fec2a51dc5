r"""Source text of the Triton kernels for moments of one degree: the recurrence, written out without loops.

The kernels compute with the scaled moments m_n = M_n / (a! b! c!), n = (a, b, c). Their derivatives have no
factors, :math:`\partial m_n / \partial \mu_k = m_{n - e_k}`. Neither have the sums over products with a
cotangent, once that is multiplied by a! b! c!. The recurrence becomes
:math:`(n_k + 1) \, m_{n + e_k} = \mu_k m_n + \sum_q C_{kq} m_{n - e_q}`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from math import factorial

from ..monomials import Exponents, lowered, moment_exponents

AXES = "xyz"
SUM_LANES = 4  # of a segment in the kernels that sum: the fastest on an H100


def layers(degree: int) -> list[list[Exponents]]:
    """The exponents in the order of the recurrence: by c, and by a + b within a layer.

    A layer needs the two before it, so few moments are alive at a time.
    """
    return [
        [(total - b, b, c) for total in range(degree - c + 1) for b in range(total + 1)]
        for c in range(degree + 1)
    ]


def groups(degree: int, size: int) -> list[list[Exponents]]:
    """Consecutive layers with at most `size` moments together, or one layer that has more."""
    parts: list[list[Exponents]] = []
    for layer in layers(degree):
        if parts and len(parts[-1]) + len(layer) <= size:
            parts[-1] += layer
        else:
            parts.append(list(layer))
    return parts


def scale(n: Exponents) -> int:
    """The factor a! b! c! between a moment and its scaled moment."""
    return factorial(n[0]) * factorial(n[1]) * factorial(n[2])


def position(n: Exponents, degree: int) -> int:
    """Where a moment is stored."""
    return moment_exponents(degree).index(n)


def name(prefix: str, n: Exponents) -> str:
    """The name of a variable, such as ``m_2_0_1``."""
    return "_".join([prefix, *map(str, n)])


def raised(n: Exponents, *axes: int) -> Exponents:
    """`n` with one more for each of the axes."""
    a, b, c = (component + axes.count(k) for k, component in enumerate(n))
    return a, b, c


def step(target: Exponents, dual: bool) -> Iterator[str]:
    """The lines that compute one moment, and its tangent, from lower ones."""
    k = _axis(target)
    factor = "" if target[k] == 1 else f" * {1 / target[k]!r}"
    yield f"{name('m', target)} = ({_terms(target, False)}){factor}"
    if dual:
        yield f"{name('d', target)} = ({_terms(target, True)}){factor}"


def _axis(target: Exponents) -> int:
    """The axis of the step to a moment: with few terms first, then without a division."""
    axes = [k for k in range(3) if target[k] > 0]
    return min(axes, key=lambda k: (len(_lower_terms(target, k)), target[k]))


def _terms(target: Exponents, tangent: bool) -> str:
    """The products whose sum is a moment, or its tangent, times its exponent along the axis of its step."""
    terms = _lower_terms(target, _axis(target))
    if tangent:
        return " + ".join(f"d{c} * {name('m', n)} + {c} * {name('d', n)}" for c, n in terms)
    return " + ".join(f"{c} * {name('m', n)}" for c, n in terms)


def _lower_terms(target: Exponents, k: int) -> list[tuple[str, Exponents]]:
    """Coefficients and exponents of the terms of a step along axis `k`."""
    n = lowered(target, k)
    terms = [(f"u{AXES[k]}", n)]
    terms += [(covariance(k, q), lowered(n, q)) for q in range(3) if n[q] > 0]
    return terms


def covariance(k: int, q: int) -> str:
    """The name of an entry of C, such as ``cxy``."""
    return "c" + "".join(AXES[axis] for axis in sorted((k, q)))


def contraction(n: Exponents, degree: int, of_covariances: bool, prefixes: str) -> Iterator[str]:
    """The lines that add a moment's part in ⟨cotangent, moments⟩ and its derivatives by μ and C."""
    left = degree - sum(n)
    partners = [("", n)]
    if left > 0:
        partners += [(AXES[k], raised(n, k)) for k in range(3)]
    if left > 1 and of_covariances:
        partners += [(AXES[k] + AXES[q], raised(n, k, q)) for k in range(3) for q in range(k, 3)]
    for prefix in prefixes:
        for axes, partner in partners:
            total = f"{prefix}s{axes}"
            yield f"{total} = {total} + {name('g', partner)} * {name(prefix, n)}"


def indented(lines: Iterable[str], depth: int) -> str:
    """The lines as a block of code."""
    return "\n".join("    " * depth + line for line in lines)


def load_cotangent(n: Exponents, degree: int) -> str:
    """The line that loads a cotangent."""
    return f"{name('g', n)} = load(row + {position(n, degree)})"


def scale_cotangent(n: Exponents) -> Iterator[str]:
    """The line that scales a cotangent, if it must be scaled."""
    if scale(n) > 1:
        yield f"{name('g', n)} = {name('g', n)} * {scale(n)}.0"


def sums_lines(degree: int, group: Sequence[Exponents], dual: bool) -> tuple[list[str], ...]:
    """Lines that start, continue and store the sums of a group of moments, or of their tangents.

    Moments of the highest degree are needed in no further step: their terms are summed, and divided once.
    """
    prefix = "d" if dual else "m"
    last = max(c for _, _, c in group)
    body: list[str] = []
    factors = {}
    for n in (n for layer in layers(degree)[: last + 1] for n in layer):
        highest = sum(n) == degree > 0
        if sum(n) and not highest:
            body += step(n, dual)
        if n in group:
            added = _terms(n, dual) if highest else name(prefix, n)
            body.append(f"{name('s', n)} = {name('s', n)} + {added}")
            factors[n] = scale(n) / (n[_axis(n)] if highest else 1)
    start = [f"{name('s', n)} = tl.zeros([SEGMENTS, LANES], DTYPE)" for n in group]
    return start, body, list(_store_sums(factors, degree))


def _store_sums(factors: dict[Exponents, float], degree: int) -> Iterator[str]:
    """Lines that store the sums over lanes, times factors; neighbours in memory, one in each lane."""
    positions = {position(n, degree): n for n in factors}
    for first in range(0, len(moment_exponents(degree)), SUM_LANES):
        sums = {k: positions[first + k] for k in range(SUM_LANES) if first + k in positions}
        if not sums:
            continue
        for k, n in sums.items():
            yield f"t{k} = tl.sum({name('s', n)}, axis=1)[:, None] * {factors[n]}"
        ks = list(sums)
        chosen = f"t{ks[-1]}"
        for k in reversed(ks[:-1]):
            chosen = f"tl.where(lane == {k}, t{k}, {chosen})"
        stored = " | ".join(f"(lane == {k})" for k in ks)
        yield f"tl.store(row + {first} + lane, {chosen} + zero, mask=inside & ({stored}))"


def contraction_lines(
    degree: int, of_covariances: bool, dual: bool, resident: bool
) -> tuple[list[str], ...]:
    """Lines that load a cotangent, and that contract the moments with it.

    With `resident`, the cotangent is loaded once for a segment. Otherwise each layer is loaded anew for each
    vector of pairs, shortly before it is needed, which takes fewer registers.
    """
    prefixes = "md" if dual else "m"
    planes = layers(degree)
    ends = ("", *AXES, *(("xx", "xy", "xz", "yy", "yz", "zz") if of_covariances else ()))
    start: list[str] = []
    if resident:
        for n in (n for plane in planes for n in plane):
            start += [load_cotangent(n, degree), *scale_cotangent(n)]
    body = [f"{p}s{end} = zero" for p in prefixes for end in ends]
    for c, plane in enumerate(planes):
        if not resident:
            fresh = planes[:3] if c == 0 else planes[c + 2 : c + 3]
            body += [load_cotangent(n, degree) for layer in fresh for n in layer]
            body += [line for layer in fresh for n in layer for line in scale_cotangent(n)]
        for n in plane:
            if sum(n):
                body += step(n, dual)
            body += contraction(n, degree, of_covariances, prefixes)
    return start, body, []


_NAME = re.compile(r"(?<![\w.])[a-z]\w*\b(?!\()")
_KEYWORDS = {"tl", "mask", "other"}


def names_in(text: str) -> list[str]:
    """The variables that occur in a line of code, each once."""
    return list(dict.fromkeys(name for name in _NAME.findall(text) if name not in _KEYWORDS))


def outlined(lines: Sequence[str], kept: Iterable[str]) -> tuple[list[str], list[str]]:
    """Move arithmetic between memory accesses into functions of scalars.

    The time of Triton's compiler grows with the square of the number of operations on blocks, and faster.

    Parameters
    ----------
    lines : sequence of str
        Assignments and calls, one a line. Those that load or store are left alone.
    kept : iterable of str
        Variables that are needed after the last line.

    Returns
    -------
    functions, calls : list of str
        Definitions of the functions, and the lines that call them, between the lines that were left alone.
    """
    needed = set(kept)
    pieces: list[tuple[bool, list[str]]] = []
    for line in lines:
        arithmetic = not re.search(r"\b(load|tl\.store|store_row)\(", line)
        if not pieces or pieces[-1][0] != arithmetic:
            pieces.append((arithmetic, []))
        pieces[-1][1].append(line)
    functions: list[str] = []
    calls: list[str] = []
    for number, (arithmetic, piece) in reversed(list(enumerate(pieces))):
        assigned: dict[str, None] = {}
        used: dict[str, None] = {}
        for line in piece:
            left, right = (
                line.split(" = ", 1) if " = " in line and not line.startswith("tl.") else ("", line)
            )
            for variable in names_in(right):
                if variable not in assigned:
                    used[variable] = None
            assigned.update(dict.fromkeys(names_in(left)))
        results = [variable for variable in assigned if variable in needed]
        needed = (needed - set(assigned)) | set(used)
        if arithmetic:
            functions.append(
                f"@triton.jit\ndef part_{number}({', '.join(used)}):\n"
                + indented([*piece, f"return {', '.join(results)},"], 1)
            )
            piece = [f"{', '.join(results)}, = each(part_{number}, {', '.join(used)})"]
        calls = [*piece, *calls]
    return functions, calls
