"""Instructions of tensor products and their normalization, as in e3nn."""

from collections.abc import Iterable, Sequence
from math import comb, copysign, prod, sqrt
from typing import Any, NamedTuple

import torch
from e3nn import o3

from ..arguments import not_negatives, one_of
from ..clebsch_gordan import CouplingTable, real_clebsch_gordan

MODES = ("uvw", "uvu", "uvv", "uuw", "uuu", "uvuv", "uvu<v", "u<vw")


class Instruction(NamedTuple):
    """One path of a tensor product, from ``in1[i_in1]`` ⊗ ``in2[i_in2]`` to ``out[i_out]``, as in e3nn."""

    i_in1: int
    i_in2: int
    i_out: int
    connection_mode: str
    has_weight: bool
    path_weight: float
    path_shape: tuple[int, ...]

    @property
    def n_weights(self) -> int:
        return prod(self.path_shape) if self.has_weight else 0


def wigner_table(l1: int, l2: int, l3: int) -> CouplingTable:
    """Non-zero entries of ``o3.wigner_3j(l1, l2, l3)``, with the signs of the installed e3nn."""
    table = real_clebsch_gordan(l1, l2, l3)
    factor = 1 / sqrt(2 * l3 + 1)
    if (l1 + l2 + l3) % 2 == 1:  # e3nn 0.4 has the other sign in some of these
        m1, m2, m3, coefficients = (column[0] for column in table)
        theirs = o3.wigner_3j(l1, l2, l3, dtype=torch.float64)[m1, m2, m3]
        factor = copysign(factor, float(theirs * coefficients))
    return table._replace(coefficients=factor * table.coefficients)


def checked_instructions(
    irreps_in1: o3.Irreps,
    irreps_in2: o3.Irreps,
    irreps_out: o3.Irreps,
    instructions: Iterable[Sequence[Any]],
) -> list[Instruction]:
    """Check instructions, and add the shapes of their weights.

    The default of `path_weight` is 1.

    Raises
    ------
    ValueError
        If an index is out of range, a mode is unknown, irreps do not couple, multiplicities do not fit the
        mode, or a mode that needs weights has none.
    """
    checked = []
    if not isinstance(instructions, Iterable) or getattr(instructions, "ndim", 1) == 0:
        raise TypeError(f"instructions is {instructions!r:.100}, expected a list of tuples")
    for given in instructions:
        if not isinstance(given, list | tuple) or len(given) not in (5, 6):
            raise ValueError(
                f"instructions contains {given!r:.100}, expected tuples (i_in1, i_in2, i_out, mode, "
                "has_weight[, path_weight])"
            )
        i_1, i_2, i_out, mode, has_weight, path_weight = given if len(given) == 6 else (*given, 1.0)
        where = f"instruction {tuple(given)}"
        for name, i, irreps in (
            ("irreps_in1", i_1, irreps_in1),
            ("irreps_in2", i_2, irreps_in2),
            ("irreps_out", i_out, irreps_out),
        ):
            if not 0 <= i < len(irreps):
                raise ValueError(
                    f"{where}: {name} = {irreps} has {len(irreps)} entries, but no entry {i}"
                )
        (mul_1, ir_1), (mul_2, ir_2), (mul, ir) = (
            irreps_in1[i_1],
            irreps_in2[i_2],
            irreps_out[i_out],
        )
        if ir not in ir_1 * ir_2:
            made = ", ".join(str(product) for product in ir_1 * ir_2)
            raise ValueError(f"{where}: {ir_1} ⊗ {ir_2} is {made}, not {ir}")
        shape = _weight_shape(where, mode, has_weight, mul_1, mul_2, mul)
        checked.append(Instruction(i_1, i_2, i_out, mode, has_weight, float(path_weight), shape))
    return checked


def _weight_shape(
    where: str, mode: str, has_weight: bool, u: int, v: int, w: int
) -> tuple[int, ...]:
    """Shape of a path's weights, for u and v channels of the inputs and w of the output."""
    if mode not in MODES:
        raise ValueError(f"{where}: unknown mode {mode!r}, expected one of {', '.join(MODES)}")
    n_pairs = comb(u, 2)
    shape, needed = {
        "uvw": ((u, v, w), (u, v, w)),
        "uvu": ((u, v), (u, v, u)),
        "uvv": ((u, v), (u, v, v)),
        "uuw": ((u, w), (u, u, w if has_weight else 1)),
        "uuu": ((u,), (u, u, u)),
        "uvuv": ((u, v), (u, v, u * v)),
        "uvu<v": ((n_pairs,), (u, u, n_pairs)),
        "u<vw": ((n_pairs, w), (u, u, w)),
    }[mode]
    if (u, v, w) != needed:
        raise ValueError(
            f"{where}: the multiplicities are {u}, {v} and {w}, but {mode!r} "
            f"{'with' if has_weight else 'without'} weights needs {', '.join(map(str, needed))}"
        )
    if mode in ("uvw", "u<vw") and not has_weight:
        raise ValueError(f"{where}: {mode!r} needs weights")
    return shape


def normalized_instructions(
    irreps_in1: o3.Irreps,
    irreps_in2: o3.Irreps,
    irreps_out: o3.Irreps,
    instructions: Sequence[Instruction],
    variances: tuple[Sequence[float] | None, Sequence[float] | None, Sequence[float] | None],
    irrep_normalization: str,
    path_normalization: str,
) -> list[Instruction]:
    r"""Replace the path weights of instructions by e3nn's factors :math:`\sqrt{a / n}`.

    a is the path weight times the output's variance, times

    - 2l₃ + 1 with the irrep normalization "component",
    - (2l₁ + 1)(2l₂ + 1) with "norm",
    - 1 with "none".

    n counts the products that are summed, times the variances of the inputs:

    - those of all paths to the same output with the path normalization "element",
    - those of this path, times the number of paths to the same output, with "path".

    With "none" n is 1.

    Raises
    ------
    ValueError
        If a normalization is unknown, or the number of variances is not that of the entries.
    """
    for name, given, expected in (
        ("irrep_normalization", irrep_normalization, ("component", "norm", "none")),
        ("path_normalization", path_normalization, ("element", "path", "none")),
    ):
        one_of(name, given, expected)
    var_1, var_2, var_out = (
        _variances(name, given, len(irreps))
        for name, given, irreps in (
            ("in1_var", variances[0], irreps_in1),
            ("in2_var", variances[1], irreps_in2),
            ("out_var", variances[2], irreps_out),
        )
    )

    def spread(ins: Instruction) -> float:
        u, v = irreps_in1[ins.i_in1].mul, irreps_in2[ins.i_in2].mul
        n_summed = {"uvw": u * v, "uvu": v, "uvv": u, "uuw": u, "u<vw": comb(u, 2)}
        return var_1[ins.i_in1] * var_2[ins.i_in2] * n_summed.get(ins.connection_mode, 1)

    normalized = []
    for ins in instructions:
        ir_1, ir_2 = irreps_in1[ins.i_in1].ir, irreps_in2[ins.i_in2].ir
        alpha = ins.path_weight * var_out[ins.i_out]
        alpha *= {"component": irreps_out[ins.i_out].ir.dim, "norm": ir_1.dim * ir_2.dim}.get(
            irrep_normalization, 1
        )
        beside = [other for other in instructions if other.i_out == ins.i_out]
        n = {
            "element": sum(spread(other) for other in beside),
            "path": spread(ins) * len(beside),
        }.get(path_normalization, 1.0)
        normalized.append(ins._replace(path_weight=sqrt(alpha / n if n > 0 else alpha)))
    return normalized


def _variances(name: str, given: Sequence[float] | None, n: int) -> list[float]:
    values = [1.0] * n if given is None else not_negatives(name, given)
    if len(values) != n:
        raise ValueError(f"{name} has {len(values)} numbers, expected {n}, one for each entry")
    return values
