"""Numbers of the columns of a file, checked."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
# Python's float also takes 1_000 and digits of other scripts
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf(inity)?)", re.A | re.I)

_PLAIN = re.compile(r"[-+.0-9eE ]*")  # enough for float to refuse the rest


def is_number(word: str) -> bool:
    """Whether a word is a decimal number, nan or inf."""
    return _NUMBER.fullmatch(word) is not None


def count_of(word: str, what: str) -> int:
    """Number of particles, frames, … that a header states.

    Raises
    ------
    ValueError
        If the word is no whole number ≥ 0.
    """
    if re.fullmatch(r"\+?[0-9]{1,18}", word.strip()) is None:
        raise ValueError(f"found {shortened(word)}, expected a number of {what}")
    return int(word)


def finite_numbers(name: str, values: Array) -> Array:
    """Values of a column as float64, of words or of numbers.

    Raises
    ------
    ValueError
        If a value is no finite number. The message names the column, the row and the value.
    """
    values = np.asarray(values)
    if values.dtype.kind not in "biuf":
        try:
            if not _PLAIN.fullmatch(" ".join(map(str, values.ravel().tolist()))):
                raise ValueError
            values = values.astype(np.float64)
        except ValueError:  # look for the word that is no number, or for nan
            for row, words in enumerate(values):
                for word in np.ravel(words).tolist():
                    if not (isinstance(word, int | float) or is_number(str(word).strip())):
                        raise _refusal(name, row, str(word), "a number") from None
            values = values.astype(np.float64)
    faulty = ~np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    if faulty.any():
        row = int(faulty.argmax())
        raise _refusal(name, row, str(values[row]), "finite numbers")
    return values.astype(np.float64)


def integers(name: str, values: Array) -> Array:
    """Values of a column as int64.

    Raises
    ------
    ValueError
        If a value is no integer. The message names the column, the row and the value.
    """
    values = np.asarray(values)
    if values.dtype.kind in "iu":
        return values.astype(np.int64)
    numbers = finite_numbers(name, values)
    faulty = (numbers != np.rint(numbers)) | (np.abs(numbers) >= 2.0**53)
    if faulty.any():
        row = int(faulty.argmax())
        raise _refusal(name, row, str(values[row]), "an integer")
    return numbers.astype(np.int64)


def shortened(text: str, length: int = 60) -> str:
    """Text in quotes for a message, cut after some characters."""
    text = text.strip()
    return repr(text if len(text) <= length else f"{text[:length]}…")


def _refusal(name: str, row: int, found: str, expected: str) -> ValueError:
    return ValueError(
        f"column {name!r}, row {row}: found {shortened(found)}, expected {expected}; "
        "mend the file, or write it again"
    )
