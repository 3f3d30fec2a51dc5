"""Real solid harmonics as polynomials with exact coefficients."""

from functools import cache, lru_cache
from math import comb, factorial, pi, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Monomial = tuple[int, int, int]
Monomial2 = tuple[int, int]
Polynomial = dict[Monomial, float]


def solid_harmonic(l: int, m: int, n: int = 0) -> Polynomial:
    r"""The polynomial :math:`r^{2n} \, r^l Y_{lm}(\hat r)` in e3nn's basis.

    The harmonics are real and orthonormal on the sphere (e3nn's ``normalization="integral"``), with e3nn's
    signs and polar axis y: :math:`Y^{e3nn}_{lm}(x, y, z) = Y^{wiki}_{lm}(z, x, y)`. The real harmonics of
    Wikipedia have the polar axis z and no Condon-Shortley phase, and

    .. math::
        r^l Y^{wiki}_{lm} = \sqrt{\frac{2l + 1}{4\pi} \frac{(2 - \delta_{m0}) (l - |m|)!}{(l + |m|)!}} \;
            A_m(x, y) \sum_k \frac{(-1)^k}{2^l} \binom{l}{k} \binom{2l - 2k}{l}
            \frac{(l - 2k)!}{(l - 2k - |m|)!} \, r^{2k} z^{l - 2k - |m|}

    with :math:`A_m = \mathrm{Re}\,(x + iy)^m` for :math:`m \ge 0` and
    :math:`\mathrm{Im}\,(x + iy)^{|m|}` for :math:`m < 0`. Sums are computed in integers and rounded once.

    Parameters
    ----------
    l, m, n : int
        :math:`l \ge 0`, :math:`|m| \le l`, :math:`n \ge 0`.

    Returns
    -------
    dict
        Exponents :math:`(a, b, c)` of :math:`x^a y^b z^c` → coefficient. All exponents sum to l + 2n.

    Raises
    ------
    ValueError
        If l or n is negative, or ``|m| > l``.

    Examples
    --------
    >>> [solid_harmonic(1, m) for m in (-1, 0, 1)]  # √(3/4π) (x, y, z)
    [{(1, 0, 0): 0.48860...}, {(0, 1, 0): 0.48860...}, {(0, 0, 1): 0.48860...}]
    """
    if l < 0 or abs(m) > l or n < 0:
        raise ValueError(f"expected l ≥ 0, |m| ≤ l and n ≥ 0, found l = {l}, m = {m}, n = {n}")
    table = harmonic_table(l, m, n)
    monomials = [(x, y, z) for x, y, z in table.exponents.tolist()]
    return dict(sorted(zip(monomials, table.coefficients.tolist(), strict=True)))


class HarmonicTable(NamedTuple):
    """Non-zero terms of a solid harmonic."""

    exponents: NDArray[np.int16]  # of x, y and z -> [term, 3]
    coefficients: NDArray[np.float64]  # -> [term]


@cache
def harmonic_table(l: int, m: int, n: int = 0) -> HarmonicTable:
    """The terms of :func:`solid_harmonic` as arrays."""
    order = abs(m)
    first, values = _integers(l, m, n)
    i, j = np.nonzero(values)
    exponents = np.empty((len(i), 3), dtype=np.int16)
    exponents[:, 0], exponents[:, 1] = first[0] + 2 * i, first[1] + 2 * j
    exponents[:, 2] = l + 2 * n - exponents[:, 0] - exponents[:, 1]
    norm = sqrt((2 * l + 1) / (4 * pi) * (1 if m == 0 else 2))
    norm *= sqrt(factorial(l - order) / factorial(l + order)) / 2**l
    return HarmonicTable(exponents, norm * values[i, j].astype(np.float64))


@lru_cache(maxsize=64)  # each n starts from n - 1
def _integers(l: int, m: int, n: int) -> tuple[Monomial2, NDArray[np.object_]]:
    """Integer coefficients of x^(a + 2i) y^(b + 2j), and (a, b). The degree gives the power of z."""
    if n > 0:
        first, values = _integers(l, m, n - 1)
        return first, _times_square(values)
    order = abs(m)
    largest = (l - order) // 2
    # powers of y, the polar axis of e3nn, times powers of r², by Horner's rule
    axis = l - order - 2 * largest
    polar = np.zeros((1, 1), dtype=object)
    for k in range(largest, -1, -1):
        legendre = (-1) ** k * comb(l, k) * comb(2 * l - 2 * k, l)
        legendre *= factorial(l - 2 * k) // factorial(l - 2 * k - order)
        if k < largest:
            polar = _times_square(polar)
        polar[0, largest - k] += legendre
    # the wiki's x and y are e3nn's z and x
    azimuthal = _azimuthal(m)
    lowest = min(b for _, b in azimuthal)
    highest = max(b for _, b in azimuthal)
    size = len(polar)
    values = np.zeros((size + (highest - lowest) // 2, size), dtype=object)
    for (_, b), factor in azimuthal.items():
        shift = (b - lowest) // 2
        values[shift : shift + size] += factor * polar
    return (lowest, axis), values


def _times_square(values: NDArray[np.object_]) -> NDArray[np.object_]:
    """Multiply by r² = x² + y² + z²."""
    rows, columns = values.shape
    product = np.zeros((rows + 1, columns + 1), dtype=object)
    product[:-1, :-1] += values
    product[1:, :-1] += values
    product[:-1, 1:] += values
    return product


def _azimuthal(m: int) -> dict[tuple[int, int], int]:
    """Re (x + iy)^m, or Im (x + iy)^|m| for negative m, by powers of x and y."""
    order, first = abs(m), int(m < 0)
    return {(order - k, k): (-1) ** (k // 2) * comb(order, k) for k in range(first, order + 1, 2)}
