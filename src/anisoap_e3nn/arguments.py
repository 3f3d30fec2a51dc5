"""Checks of numbers that a user gives, and words for names that are unknown."""

import difflib
import math
import operator
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any


def positive(name: str, value: float, quantity: str = "number") -> float:
    """The value as a float, if it is finite and > 0.

    Parameters
    ----------
    name : str
        The user's name for it.
    value : float
    quantity : str
        What it is, such as "length".

    Raises
    ------
    TypeError
        If it is no number.
    ValueError
        If it is not finite, or not positive.
    """
    if not 0 < _number(name, value, f"a finite {quantity} > 0") < math.inf:
        raise ValueError(f"{name} is {value}, expected a finite {quantity} > 0")
    return float(value)


def not_negative(name: str, value: float, quantity: str = "number") -> float:
    """The value as a float, if it is finite and ≥ 0; arguments as for :func:`positive`."""
    if not 0 <= _number(name, value, f"a finite {quantity} ≥ 0") < math.inf:
        raise ValueError(f"{name} is {value}, expected a finite {quantity} ≥ 0")
    return float(value)


def number(name: str, value: Any) -> float:
    """The value as a float, if it is a finite number.

    Raises
    ------
    TypeError
        If it is no number.
    ValueError
        If it is NaN or infinite.
    """
    if not math.isfinite(_number(name, value, "a finite number")):
        raise ValueError(f"{name} is {value}, expected a finite number")
    return float(value)


def integer(name: str, value: Any, at_least: int | None = None) -> int:
    """The value as a plain int, if it is an integer of Python, NumPy or torch.

    Parameters
    ----------
    name : str
        The user's name for it.
    value : int
    at_least : int, optional
        Smallest legal value.

    Raises
    ------
    TypeError
        If it is no integer; booleans and 2.0 are none.
    ValueError
        If it is too small.
    """
    expected = "an integer" if at_least is None else f"an integer ≥ {at_least}"
    try:
        number = operator.index(_no_boolean(value))
    except TypeError as error:
        raise TypeError(f"{name} is {value!r}, expected {expected}") from error
    if abs(number) >= 2**63:
        raise ValueError(f"{name} is {number}, expected {expected} of at most 64 bits")
    if at_least is not None and number < at_least:
        raise ValueError(f"{name} is {number}, expected {expected}")
    return number


def integers(name: str, values: Iterable[Any], at_least: int | None = None) -> list[int]:
    """A list of plain ints of a list, tuple, array or tensor; see :func:`integer`."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise TypeError(f"{name} is {values!r}, expected a list of integers")
    try:
        listed = list(values)
    except TypeError as error:  # an array or tensor without axes
        raise TypeError(f"{name} is {values!r}, expected a list of integers") from error
    return [integer(f"{name}[{k}]", value, at_least) for k, value in enumerate(listed)]


def not_negatives(name: str, values: Iterable[Any]) -> list[float]:
    """A list of floats of a list, tuple, array or tensor; see :func:`not_negative`."""
    if isinstance(values, str | bytes | dict) or not isinstance(values, Iterable):
        raise TypeError(f"{name} is {values!r:.100}, expected a list of numbers")
    try:
        listed = list(values)
    except TypeError as error:  # an array or tensor without axes
        raise TypeError(f"{name} is {values!r:.100}, expected a list of numbers") from error
    return [not_negative(f"{name}[{k}]", value) for k, value in enumerate(listed)]


def one_of(name: str, value: Any, legal: tuple[str, ...]) -> None:
    """Refuse a word that is not one of the legal ones.

    Raises
    ------
    ValueError
        If it is another word, or none.
    """
    if not isinstance(value, str) or value not in legal:
        raise ValueError(f"{name} is {value!r:.100}, expected one of {', '.join(map(repr, legal))}")


def flag(name: str, value: Any) -> bool:
    """The value as a plain bool, if it is True or False, also of NumPy.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if type(value).__name__ not in ("bool", "bool_"):
        raise TypeError(f"{name} is {value!r}, expected True or False")
    return bool(value)


def flag_or_word(name: str, value: Any, word: str) -> bool | str:
    """The value as a plain bool, or the one word that is legal beside True and False.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if isinstance(value, str) and value == word:
        return value
    if type(value).__name__ not in ("bool", "bool_"):
        raise TypeError(f"{name} is {value!r:.100}, expected True, False or {word!r}")
    return bool(value)


def periodic_axes(name: str, value: Any) -> tuple[bool, bool, bool]:
    """Whether each of three axes is periodic, from one flag for all of them or from three.

    Raises
    ------
    TypeError
        If it is neither; flags are True and False, also 1 and 0, of Python, NumPy or torch.
    """
    listed = value.tolist() if hasattr(value, "tolist") else value
    flags = list(listed) if isinstance(listed, list | tuple) else [listed] * 3
    if len(flags) != 3 or any(
        type(each) not in (bool, int) or each not in (0, 1) for each in flags
    ):
        raise TypeError(f"{name} is {value!r}, expected True or False, or three of them")
    return bool(flags[0]), bool(flags[1]), bool(flags[2])


def _number(name: str, value: Any, expected: str) -> float:
    without_axes = getattr(value, "ndim", None) == 0  # arrays and tensors
    if (isinstance(value, Real) or without_axes) and not isinstance(value, bool | str):
        return float(value)
    raise TypeError(f"{name} is {value!r}, expected {expected}")


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise TypeError("booleans are no numbers here")
    return value


def nearest(found: str, known: Sequence[str]) -> str:
    """Words that name the nearest of the known keys, or all of them if none is near."""
    near = difflib.get_close_matches(found, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"expected some of {', '.join(known)}"
