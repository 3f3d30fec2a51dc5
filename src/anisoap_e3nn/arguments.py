"""Checks of numbers that a user gives."""

import math


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
    ValueError
        If it is not.
    """
    if not 0 < value < math.inf:
        raise ValueError(f"{name} is {value}, expected a finite {quantity} > 0")
    return float(value)


def not_negative(name: str, value: float, quantity: str = "number") -> float:
    """The value as a float, if it is finite and ≥ 0; arguments as for :func:`positive`."""
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} is {value}, expected a finite {quantity} ≥ 0")
    return float(value)
