"""Output files that appear when they are complete."""

import shutil
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, ClassVar

import numpy as np
from typing_extensions import Self

from .stored_frame import Array


class OutputFile(ABC):
    """A file that appears, complete, when it is finished, and not at all otherwise.

    What there is to write is appended to temporary files, its parts, beside the output, so that memory
    does not grow with it. Subclasses have a method `finish` that assembles them; leaving the context
    removes them.

    Parameters
    ----------
    path : Path
        Where to write; it ends in one of `suffixes`.
    overwrite : bool
        Whether `path` may exist.
    """

    suffixes: ClassVar[tuple[str, ...]]

    def __init__(self, path: Path, overwrite: bool = False) -> None:
        refuse_output(path, overwrite, self.suffixes)
        self._path = path

    def __enter__(self) -> Self:
        # beside the output: renaming is atomic only within one file system
        self._folder = TemporaryDirectory(prefix=f".{self._path.name}.", dir=self._path.parent)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    @abstractmethod
    def _assemble(self, target: Path, texts: Any) -> None:
        """Write the file from its parts."""

    def _finish(self, texts: Any) -> int:
        """Assemble the file, put it in its place, and return its size in bytes."""
        complete = self._part("complete")
        self._assemble(complete, texts)
        size = complete.stat().st_size
        complete.replace(self._path)
        return size

    def _part(self, name: str) -> Path:
        return Path(self._folder.name) / name

    def _append(self, name: str, values: Array) -> None:
        # opened each time, since there can be more parts than a process may hold open
        with self._part(name).open("ab") as part:
            part.write(np.ascontiguousarray(values).data)


def add_array(archive: zipfile.ZipFile, name: str, array: Array) -> None:
    """Store an array in an archive as NumPy's ``savez`` does."""
    with archive.open(f"{name}.npy", "w") as entry:
        np.lib.format.write_array(entry, array, allow_pickle=False)


def add_part(
    archive: zipfile.ZipFile, name: str, part: Path, dtype: Any, shape: Iterable[int]
) -> None:
    """Store a file that holds nothing but the numbers of an array."""
    header = np.lib.format.header_data_from_array_1_0(np.empty(0, dtype))
    with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
        np.lib.format.write_array_header_1_0(entry, header | {"shape": tuple(shape)})
        with part.open("rb") as file:
            shutil.copyfileobj(file, entry, length=1 << 20)


def refuse_output(path: Path, overwrite: bool, suffixes: tuple[str, ...]) -> None:
    """Refuse a file that could not be written in the end, before any work is done for it."""
    if path.suffix not in suffixes:
        raise ValueError(f"output files end in one of {', '.join(suffixes)}, found {path.name!r}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name!r} to")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists already; it is replaced only with --overwrite")
