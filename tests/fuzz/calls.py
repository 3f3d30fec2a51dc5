"""Calls of the public API with one faulty argument: a right result or a clear error."""

import random
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .case import Case, place_of
from .odd_values import described, odd_value
from .targets import CALLS, INFINITE, MATHEMATICS

CLEAR = (TypeError, ValueError, IndexError, NotImplementedError, ImportError)


def odd_call(choose: random.Random) -> Case:
    """Make one call with one argument of a wrong kind or value."""
    name = choose.choice(list(CALLS))
    function, valid = CALLS[name]
    arguments = valid()
    changed = choose.choice(list(arguments))
    arguments[changed] = odd_value(arguments[changed], choose)
    description = f"{name}({changed}={described(arguments[changed])})"
    torch.manual_seed(0)
    return Case(description, *outcome_of(name, lambda: function(**arguments), changed))


def outcome_of(name: str, call: Callable[[], Any], argument: str) -> tuple[str, str | None]:
    """Make a call and judge its result or error, which should name the argument."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = call()
    except CLEAR as error:
        return type(error).__name__, _fault_of_error(error, argument)
    except Exception as error:
        return type(error).__name__, place_of(error)
    faulty = name not in MATHEMATICS and _not_finite(result, name in INFINITE)
    return "result", "NaN or infinity in the result" if faulty else None


def _fault_of_error(error: Exception, argument: str) -> str | None:
    """What is wrong with an error: a clear one is raised by a line of the package that means to."""
    places = traceback.extract_tb(error.__traceback__)
    place = places[-1]
    ours = "anisoap_e3nn" in place.filename and (place.line or "").startswith("raise")
    native = place.filename.endswith("native.py") and "expected" in str(error)
    if ours or native or "keyword argument" in str(error):
        return None
    return f"given {argument}, {place_of(error)}"


def _not_finite(result: Any, may_be_infinite: bool) -> bool:
    if isinstance(result, Tensor) and result.is_floating_point() and not result.is_meta:
        faulty = result.isnan() if may_be_infinite else ~result.isfinite()
        return bool(faulty.any())
    if isinstance(result, tuple | list):
        return any(_not_finite(each, may_be_infinite) for each in result)
    return False
