"""Numbers of radial functions."""

from collections.abc import Iterable, Sequence
from typing import Any

from ..arguments import integer, integers


def radial_counts(max_angular: int, max_radial: int | Sequence[int] | None) -> list[int]:
    """Number of radial functions for every l = 0 … `max_angular`.

    Parameters
    ----------
    max_angular : int
        The largest l.
    max_radial : int or sequence of int, optional
        As in AniSOAP: the largest n, for every l or one for each. By default (max_angular - l) // 2.

    Raises
    ------
    TypeError
        If a number is no integer.
    ValueError
        If a number is negative, or the sequence has not one entry for each l.

    Examples
    --------
    >>> radial_counts(4, None), radial_counts(2, 3), radial_counts(2, [2, 1, 0])
    ([3, 2, 2, 1, 1], [4, 4, 4], [3, 2, 1])
    """
    max_angular = integer("max_angular", max_angular, at_least=0)
    _refuse_absurd("max_angular", max_angular)
    if max_radial is None:
        return [(max_angular - l) // 2 + 1 for l in range(max_angular + 1)]
    largest = plain_max_radial(max_radial)
    largest = [largest] * (max_angular + 1) if isinstance(largest, int) else largest
    if len(largest) != max_angular + 1:
        raise ValueError(
            f"max_radial has {len(largest)} entries, expected one for each l = 0 … {max_angular}"
        )
    _refuse_absurd("max_radial", max(largest))
    return [n + 1 for n in largest]


def plain_max_radial(max_radial: Any) -> int | list[int]:
    """`max_radial` as an int or a list of ints.

    Raises
    ------
    TypeError
        If it is neither an integer nor a sequence of integers.
    ValueError
        If a number is negative.
    """
    if isinstance(max_radial, Iterable) and getattr(max_radial, "ndim", 1) > 0:
        return integers("max_radial", max_radial, at_least=0)
    return integer("max_radial", max_radial, at_least=0)


def _refuse_absurd(name: str, value: int) -> None:
    """Refuse what no matrix of coefficients holds, before lists of this length are made."""
    if value > 10_000:
        raise ValueError(f"{name} is {value}, expected at most 10000")
