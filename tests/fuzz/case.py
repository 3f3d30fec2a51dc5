"""How one case of the fuzz ended."""

import traceback
from typing import NamedTuple


class Case(NamedTuple):
    """One case: what was tried, how it ended, and what is wrong with that."""

    description: str
    ending: str  # "result", or the class of the error, or the exit code
    fault: str | None


def place_of(error: BaseException) -> str:
    """An error in one line, with the place that raised it."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
    return " ".join(f"{type(error).__name__} at {where}: {error!s:.200}".split())
