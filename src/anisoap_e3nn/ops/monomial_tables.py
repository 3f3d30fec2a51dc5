"""Tables of monomials by degree, for recurrences that take all moments of a degree in one step."""

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..constant import Constant
from .monomials import Exponents, lowered, moment_exponents


class Lowered(NamedTuple):
    """For each monomial n of a degree and one axis q, where n - e_q is in the degree below, and n_q.

    Where n_q is 0 the position is 0.
    """

    positions: Tensor  # int64 -> [monomial]
    factors: Tensor  # n_q -> [monomial, 1]


def monomials_of(degree: int) -> list[Exponents]:
    """Exponents of one degree. Those with a ≥ 1 come first, and those without a and b last.

    So they are x times all of the degree below, y times the last `degree` of it, and z times its last one.

    Examples
    --------
    >>> monomials_of(2)
    [(2, 0, 0), (1, 1, 0), (1, 0, 1), (0, 2, 0), (0, 1, 1), (0, 0, 2)]
    """
    return [
        (a, b, degree - a - b) for a in range(degree, -1, -1) for b in range(degree - a, -1, -1)
    ]


def lowered_monomials(degree: int, x: Tensor) -> list[Lowered]:
    """One table for each axis, for monomials of a degree ≥ 1, with the device and dtype of a tensor."""
    if torch.compiler.is_compiling():  # which cannot trace what makes constants
        return [
            Lowered(torch.tensor(positions).to(x.device), torch.tensor(factors).to(x)[:, None])
            for positions, factors in _lowered_numbers(degree)
        ]
    return [Lowered(*(table.like(x) for table in tables)) for tables in _lowered_tables(degree)]


def stored_positions(degree: int, x: Tensor) -> Tensor:
    """Where the moments, in the order in which they are stored, are in that of rising degrees."""
    if torch.compiler.is_compiling():
        return torch.tensor(_stored_numbers(degree)).to(x.device)
    return _stored_table(degree).like(x)


@cache
def _lowered_numbers(degree: int) -> list[tuple[list[int], list[int]]]:
    position = {n: i for i, n in enumerate(monomials_of(degree - 1))}
    return [
        (
            [position.get(lowered(n, q), 0) for n in monomials_of(degree)],
            [n[q] for n in monomials_of(degree)],
        )
        for q in range(3)
    ]


@cache
def _lowered_tables(degree: int) -> list[tuple[Constant, Constant]]:
    return [
        (Constant(np.array(positions)), Constant(np.array(factors, np.float64)[:, None]))
        for positions, factors in _lowered_numbers(degree)
    ]


@cache
def _stored_numbers(degree: int) -> list[int]:
    rising = [n for d in range(degree + 1) for n in monomials_of(d)]
    position = {n: i for i, n in enumerate(rising)}
    return [position[n] for n in moment_exponents(degree)]


@cache
def _stored_table(degree: int) -> Constant:
    return Constant(np.array(_stored_numbers(degree)))
