r"""Clebsch-Gordan coefficients of real spherical harmonics, as sparse tables.

With complex harmonics, :math:`Z_m = \sum_{p+q=m} \langle l_1 p\, l_2 q | l_3 m \rangle X_p Y_q` couples two
irreps to a third. Real components are :math:`\sqrt 2 (-1)^m` times the real (m > 0) and imaginary (m < 0)
parts of the complex ones. Every coefficient of real components is therefore a complex coefficient times 1 or
:math:`1/\sqrt 2`. Its square is a fraction, which is computed exactly, and zeros are recognised as such.

If :math:`l_1 + l_2 + l_3` is odd, all coefficients of real components are imaginary. The factor i is dropped.
"""

import math
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor


class CouplingTable(NamedTuple):
    """Coefficients other than zero, sorted by `m3`, then `m1`, then `m2`.

    The indices count components from 0 to 2l: the component m has the index l + m.
    """

    m1: Tensor  # int64 -> [entry]
    m2: Tensor  # int64 -> [entry]
    m3: Tensor  # int64 -> [entry]
    coefficients: Tensor  # float64 -> [entry]


def real_clebsch_gordan(l1: int, l2: int, l3: int, convention: str = "e3nn") -> CouplingTable:
    r"""Coefficients of the coupling :math:`z_{m_3} = \sum C_{m_1 m_2 m_3} x_{m_1} y_{m_2}` of two irreps.

    They form an orthogonal matrix from (m1, m2) to (l3, m3), so :math:`\sum_{m_1 m_2} C_{m_1 m_2 m_3}^2 = 1`
    for each m3. They are accurate to the last bit or the one before it, for l of any size.

    The harmonics of the two conventions differ by a rotation (see :mod:`anisoap_e3nn.conventions`), and
    rotations leave couplings unchanged. The coefficients are therefore the same, up to a sign that each
    convention chooses for every (l1, l2, l3).

    Parameters
    ----------
    l1, l2, l3 : int
        ≥ 0, with ``|l1 - l2| <= l3 <= l1 + l2``.
    convention : {"e3nn", "wiki"}
        ``"e3nn"``: :math:`\sqrt{2 l_3 + 1}` times ``o3.wigner_3j(l1, l2, l3)`` of e3nn ≥ 0.5. (e3nn 0.4 has
        the other sign for some (l1, l2, l3) with an odd sum.) For an even sum, two harmonics of a vector
        couple to a positive multiple of the third.
        ``"wiki"``: the complex coefficients with the Condon-Shortley phase, transformed to real harmonics
        and multiplied by -i if l1 + l2 + l3 is odd, as in AniSOAP, metatensor and featomic. They are
        :math:`(-1)^{\lfloor (l_1 + l_2 - l_3) / 2 \rfloor}` times those of e3nn.

    Returns
    -------
    CouplingTable

    Raises
    ------
    ValueError
        If the l violate the triangle rule, or the convention is unknown.

    Examples
    --------
    >>> table = real_clebsch_gordan(1, 1, 0)  # the scalar product over √3
    >>> table.m1, table.m2, table.m3
    (tensor([0, 1, 2]), tensor([0, 1, 2]), tensor([0, 0, 0]))
    >>> table.coefficients
    tensor([0.5774, 0.5774, 0.5774], dtype=torch.float64)
    """
    if convention not in ("e3nn", "wiki"):
        raise ValueError(f'convention is {convention!r}, expected "e3nn" or "wiki"')
    if min(l1, l2, l3) < 0 or not abs(l1 - l2) <= l3 <= l1 + l2:
        raise ValueError(
            f"(l1, l2, l3) is ({l1}, {l2}, {l3}), expected integers ≥ 0 with "
            "|l1 - l2| ≤ l3 ≤ l1 + l2 (the triangle rule)"
        )
    entries = _real_coefficients(l1, l2, l3)
    m3, m1, m2 = torch.tensor([indices for indices, _ in entries]).T.contiguous()
    coefficients = torch.tensor([value for _, value in entries], dtype=torch.float64)
    turned = convention == "e3nn" and (l1 + l2 - l3) % 4 >= 2
    return CouplingTable(m1, m2, m3, -coefficients if turned else coefficients)


@cache
def _real_coefficients(l1: int, l2: int, l3: int) -> tuple[tuple[tuple[int, int, int], float], ...]:
    """Pairs of (m3, m1, m2) and coefficient, in the wiki convention."""
    odd = (l1 + l2 + l3) % 2 == 1
    entries = []
    for p in range(-l1, l1 + 1):
        for q in range(max(-p, -l2), min(l3 - p, l2) + 1):
            m = p + q
            if m == 0 and p < 0:
                continue  # the complex conjugate of (-p, -q)
            integer, square = _complex_coefficient(l1, p, l2, q, l3)
            if integer == 0:
                continue
            magnitude = math.sqrt(square / 2 if p and q and m else square)
            value = magnitude if (integer > 0) ^ (min(p, q, 0) % 2 == 1) else -magnitude
            # (x_a + i x_-a)(y_b + i y_-b), where p = a or -a, q = b or -b
            a, b, sign_p, sign_q = abs(p), abs(q), math.copysign(1, p), math.copysign(1, q)
            real = [(a, b, value)] + [(-a, -b, -sign_p * sign_q * value)] * (p != 0 and q != 0)
            imaginary = [(-a, b, sign_p * value)] * (p != 0) + [(a, -b, sign_q * value)] * (q != 0)
            at_plus, at_minus = (imaginary, real) if odd else (real, imaginary)
            entries += [((l3 + m, l1 + m1, l2 + m2), c) for m1, m2, c in at_plus]
            if m > 0:
                entries += [
                    ((l3 - m, l1 + m1, l2 + m2), -c if odd else c) for m1, m2, c in at_minus
                ]
    return tuple(sorted(entries))


def _complex_coefficient(l1: int, p: int, l2: int, q: int, l3: int) -> tuple[int, Fraction]:
    r"""Sign, as an integer, and square of :math:`\langle l_1 p\, l_2 q | l_3\, p{+}q \rangle`.

    The integer is Racah's sum, with the six factorials of each term combined to binomial coefficients:

    .. math::
        \sum_k (-1)^k \binom{l_1 + l_2 - l_3}{k} \binom{l_1 + l_3 - l_2}{l_1 - p - k}
                      \binom{l_2 + l_3 - l_1}{l_2 + q - k}
    """
    f, comb = math.factorial, math.comb
    j12, j13, j23 = l1 + l2 - l3, l1 + l3 - l2, l2 + l3 - l1
    integer = sum(
        (-1) ** k * comb(j12, k) * comb(j13, l1 - p - k) * comb(j23, l2 + q - k)
        for k in range(min(j12, l1 - p, l2 + q) + 1)
    )
    m = p + q
    square = Fraction(
        integer**2
        * (2 * l3 + 1)
        * (f(l1 + p) * f(l1 - p) * f(l2 + q) * f(l2 - q) * f(l3 + m) * f(l3 - m)),
        f(l1 + l2 + l3 + 1) * f(j12) * f(j13) * f(j23),
    )
    return integer, square
