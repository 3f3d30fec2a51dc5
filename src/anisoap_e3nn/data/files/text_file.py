"""Text files, compressed or not."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

_OPENERS: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def open_text(path: Path) -> TextIO:
    """Open a text file for reading; ``.gz``, ``.bz2`` and ``.xz`` are decompressed."""
    opener = _OPENERS.get(path.suffix.lower(), open)
    file: TextIO = opener(path, "rt", encoding="utf-8")
    return file


def first_lines(path: Path, number: int) -> list[str]:
    """First lines that are not blank, cut after 200 characters; none if the file is no text."""
    lines: list[str] = []
    with refused_damage(path.suffix), open_text(path) as file:
        try:
            while len(lines) < number and (line := file.readline(200)):
                if line.strip():
                    lines.append(line)
        except UnicodeDecodeError:
            return []
    return lines


@contextmanager
def refused_damage(format: str) -> Iterator[None]:
    """Turn the errors of decompression and decoding into ValueError.

    Parameters
    ----------
    format : str
        Format or suffix of the file, for the message.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        raise ValueError(f"is no text in UTF-8, expected {format}: {error}") from error
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise ValueError(f"is cut short or damaged, expected {format}: {error}") from error
    except OSError as error:
        if error.errno is not None:  # of the operating system, not of the contents
            raise
        raise ValueError(f"is cut short or damaged, expected {format}: {error}") from error


def blank_lines_skipped(file: TextIO) -> str:
    """Next line that is not blank; an empty string at the end of the file."""
    line = file.readline()
    while line and not line.strip():
        line = file.readline()
    return line
