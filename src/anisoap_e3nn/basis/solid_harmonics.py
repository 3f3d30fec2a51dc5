"""Real solid harmonics as polynomials with exact coefficients."""

from functools import cache
from math import comb, factorial, pi, sqrt

Monomial = tuple[int, int, int]
Polynomial = dict[Monomial, float]


@cache
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
        If l or n is negative, or |m| > l.

    Examples
    --------
    >>> [solid_harmonic(1, m) for m in (-1, 0, 1)]  # √(3/4π) (x, y, z)
    [{(1, 0, 0): 0.48860...}, {(0, 1, 0): 0.48860...}, {(0, 0, 1): 0.48860...}]
    """
    if l < 0 or abs(m) > l or n < 0:
        raise ValueError(f"expected l ≥ 0, |m| ≤ l and n ≥ 0, found l = {l}, m = {m}, n = {n}")
    polynomial: dict[Monomial, int] = {}
    order = abs(m)
    for k in range((l - order) // 2 + 1):
        legendre = (-1) ** k * comb(l, k) * comb(2 * l - 2 * k, l)
        legendre *= factorial(l - 2 * k) // factorial(l - 2 * k - order)
        for (a, b), azimuthal in _azimuthal(m).items():
            for (i, j, p), radial in _even_power(k + n).items():
                # the wiki's (x, y, z) are e3nn's (z, x, y)
                monomial = (b + j, l - 2 * k - order + p, a + i)
                polynomial[monomial] = polynomial.get(monomial, 0) + legendre * azimuthal * radial
    norm = sqrt((2 * l + 1) / (4 * pi) * (1 if m == 0 else 2))
    norm *= sqrt(factorial(l - order) / factorial(l + order)) / 2**l
    return {monomial: norm * value for monomial, value in sorted(polynomial.items()) if value != 0}


def _azimuthal(m: int) -> dict[tuple[int, int], int]:
    """Re (x + iy)^m, or Im (x + iy)^|m| for negative m, by powers of x and y."""
    order, first = abs(m), int(m < 0)
    return {(order - k, k): (-1) ** (k // 2) * comb(order, k) for k in range(first, order + 1, 2)}


def _even_power(n: int) -> dict[Monomial, int]:
    """(x² + y² + z²)^n."""
    return {
        (2 * i, 2 * j, 2 * (n - i - j)): comb(n, i) * comb(n - i, j)
        for i in range(n + 1)
        for j in range(n + 1 - i)
    }
