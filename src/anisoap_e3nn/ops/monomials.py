"""The order in which moments are stored."""

from functools import cache

Exponents = tuple[int, int, int]


@cache
def moment_exponents(degree: int) -> tuple[Exponents, ...]:
    r"""Exponents :math:`(a, b, c)`, :math:`a + b + c \le` `degree`, in the order of the moments.

    Moments of the same parities :math:`(a, b, c) \bmod 2` stand together, because no solid harmonic mixes
    different parities. Within a parity their degrees rise.

    Examples
    --------
    >>> moment_exponents(1)
    ((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0))
    >>> [len(moment_exponents(degree)) for degree in (0, 6, 21)]
    [1, 84, 2024]
    """
    exponents = [
        (a, b, c)
        for a in range(degree + 1)
        for b in range(degree + 1 - a)
        for c in range(degree + 1 - a - b)
    ]
    return tuple(sorted(exponents, key=lambda n: ([k % 2 for k in n], sum(n), n)))


def lowered(n: Exponents, axis: int) -> Exponents:
    """`n` with one less for the axis."""
    a, b, c = (component - (k == axis) for k, component in enumerate(n))
    return a, b, c
