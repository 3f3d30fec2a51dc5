"""Irreps that a user gives."""

from collections.abc import Iterable
from typing import Any

from e3nn import o3

_E3NN_ERRORS = (
    AssertionError, AttributeError, IndexError, NotImplementedError, OverflowError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip


def to_irreps(name: str, value: Any) -> o3.Irreps:
    """Irreps of a text, a list or irreps.

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If e3nn cannot read it.
    """
    if not isinstance(value, str | list | tuple):  # o3.Irreps are tuples, and so are single ones
        raise TypeError(f"{name} is {value!r:.100}, expected irreps such as '4x0e + 2x1o'")
    try:
        irreps = o3.Irreps(value)
    except _E3NN_ERRORS as error:
        raise ValueError(
            f"{name} is {value!r:.100}, expected irreps such as '4x0e + 2x1o'"
        ) from error
    return irreps


def to_irrep_list(name: str, values: Iterable[Any]) -> list[o3.Irrep]:
    """Single irreps such as ``["0e", "1o"]``; arguments and errors as for :func:`to_irreps`."""
    if isinstance(values, str) or not isinstance(values, Iterable) or _is_scalar(values):
        raise TypeError(
            f"{name} is {values!r:.100}, expected a list of irreps such as ['0e', '1o']"
        )
    try:
        return [_to_irrep(name, ir) for ir in values]
    except (ValueError, RuntimeError, NotImplementedError) as error:
        raise ValueError(
            f"{name} is {values!r:.100}, expected a list of irreps such as ['0e', '1o']"
        ) from error


def _is_scalar(values: Any) -> bool:
    """Whether it is an array or tensor without axes."""
    return getattr(values, "ndim", 1) == 0


def _to_irrep(name: str, value: Any) -> o3.Irrep:
    if not isinstance(value, str | tuple):
        raise TypeError(f"{name} contains {value!r:.100}, expected irreps such as '0e'")
    return o3.Irrep(value)
