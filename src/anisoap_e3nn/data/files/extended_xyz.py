"""Extended XYZ files, one frame at a time."""

import re
import sys
from collections.abc import Iterator
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from .number_columns import count_of, is_number, shortened
from .text_file import blank_lines_skipped, open_text, refused_damage


def count_frames(path: Path) -> int:
    """Count the frames without interpreting them."""
    with refused_damage("extended XYZ"), open_text(path) as file:
        return sum(1 for _ in _frame_texts(file))


def iterate_atoms(path: Path) -> Iterator[Any]:
    """Yield each frame as ``ase.Atoms``. Blank lines between frames are skipped."""
    # ASE's own reader first indexes the whole file, in memory that grows with the number of frames
    with refused_damage("extended XYZ"), open_text(path) as file:
        for lines in _frame_texts(file):
            yield _atoms(lines)


def _frame_texts(file: TextIO) -> Iterator[list[str]]:
    header = blank_lines_skipped(file)
    while header:
        number = count_of(header, "particles")
        # no more lines than the file has, whatever the header states
        lines = [header, *islice(file, min(number + 1, sys.maxsize))]
        if len(lines) < number + 2:
            raise ValueError(f"the file ends early, expected {number} particles in the frame")
        header = file.readline()
        while header.startswith("VEC"):  # cell vectors of old files, written as atoms
            lines.append(header)
            header = file.readline()
        if not header.strip():
            header = blank_lines_skipped(file)
        yield lines


def _atoms(lines: list[str]) -> Any:
    from ase.io.extxyz import read_xyz

    # ASE takes species for the names of elements; numbers under this name are types
    lines[1] = re.sub(r"\bspecies:I:1\b", "type:I:1", lines[1])
    try:
        atoms = next(iter(read_xyz(StringIO("".join(lines)), 0)))
    except KeyError as error:
        raise ValueError(
            f"found the element {error}, which ASE does not know; use X for other particles, and a "
            "column type:I:1 for their types"
        ) from error
    except Exception as error:  # of any kind: ASE checks little
        fault = f"cannot be read as extended XYZ: {str(error) or type(error).__name__}"
        raise ValueError(_faulty_word(lines) or fault) from error
    # of declared columns; plain XYZ has columns of any meaning after the positions
    if "Properties=" in lines[1] and (fault := _surplus_word(lines)):
        raise ValueError(fault)
    return atoms


def _columns(lines: list[str]) -> list[tuple[str, str]]:
    """Name and kind of each word in a row: S, I, R or L."""
    match = re.search(r"""Properties=["']?([^\s"']+)""", lines[1])
    parts = (match[1] if match else "species:S:1:pos:R:3").split(":")
    return [
        (name, kind)
        for name, kind, width in zip(parts[::3], parts[1::3], parts[2::3], strict=False)
        for _ in range(int(width) if width.isdecimal() else 0)
    ]


def _surplus_word(lines: list[str]) -> str:
    """What is wrong with the first row that is longer than the header says, which ASE accepts."""
    width = len(_columns(lines))
    for row, line in enumerate(lines[2 : 2 + int(lines[0])]):
        if (found := len(line.split())) > width:
            return f"row {row}: found {found} columns, expected {width}, as Properties declares"
    return ""


def _faulty_word(lines: list[str]) -> str:
    """What is wrong with the first row that does not fit the columns of the header."""
    columns = _columns(lines)
    for row, line in enumerate(lines[2 : 2 + int(lines[0])]):
        words = line.split()
        if len(words) < len(columns):
            return f"row {row}: found {len(words)} columns, expected {len(columns)}"
        for (name, kind), word in zip(columns, words, strict=False):
            if kind == "I" and re.fullmatch(r"[+-]?[0-9]+", word) is None:
                return f"column {name!r}, row {row}: found {shortened(word)}, expected an integer"
            if kind == "R" and not is_number(word):
                return f"column {name!r}, row {row}: found {shortened(word)}, expected a number"
    return ""
