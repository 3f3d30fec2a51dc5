"""Calls of the public API with one faulty argument: a right result or a clear error."""

import random
import traceback
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .odd_values import described, odd_value
from .targets import CALLS, MATHEMATICS

CLEAR = (TypeError, ValueError, IndexError, NotImplementedError, ImportError)


class Outcome(NamedTuple):
    """How one case ended."""

    kind: str  # "result" or the error's class
    fault: str | None  # what is wrong with that


def odd_call(seed: int) -> tuple[str, Outcome]:
    """Make one call; the same for the same seed.

    Returns
    -------
    description, outcome : str, Outcome
    """
    choose = random.Random(seed)
    name = choose.choice(list(CALLS))
    function, valid = CALLS[name]
    arguments = valid()
    changed = choose.choice(list(arguments))
    arguments[changed] = odd_value(arguments[changed], choose)
    description = f"{name}({changed}={described(arguments[changed])})"
    torch.manual_seed(0)
    return description, outcome_of(name, lambda: function(**arguments), changed)


def outcome_of(name: str, call: Callable[[], Any], argument: str) -> Outcome:
    """Make a call and judge its result or error, which should name the argument."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = call()
    except CLEAR as error:
        return Outcome(type(error).__name__, _fault_of_error(error, argument))
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
        return Outcome(type(error).__name__, f"{type(error).__name__} at {where}: {error!s:.200}")
    faulty = name not in MATHEMATICS and _not_finite(result)
    return Outcome("result", "NaN or infinity in the result" if faulty else None)


def _fault_of_error(error: Exception, argument: str) -> str | None:
    """What is wrong with an error: a clear one is raised by a line of the package that means to."""
    places = traceback.extract_tb(error.__traceback__)
    place = places[-1]
    ours = "anisoap_e3nn" in place.filename and (place.line or "").startswith("raise")
    native = place.filename.endswith("native.py") and "expected" in str(error)
    if ours or native or "keyword argument" in str(error):
        return None
    where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
    return f"{type(error).__name__} at {where}, given {argument}: {error!s:.200}"


def _not_finite(result: Any) -> bool:
    if isinstance(result, Tensor):
        return bool(
            result.is_floating_point() and not result.is_meta and not result.isfinite().all()
        )
    if isinstance(result, tuple | list):
        return any(map(_not_finite, result))
    return False
