"""Output files that appear only when complete."""

import os
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

from .number_columns import Array


class OutputFile(ABC):
    """Base class of output files that appear only when complete.

    Data are appended to temporary files beside the output, its parts, so that memory does not grow with
    the output. The method `finish` of a subclass assembles the parts. Leaving the context removes them.

    Parameters
    ----------
    path : Path
        Output file. It ends in one of `suffixes`.
    overwrite : bool
        Whether an existing file may be replaced.
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
        """Assemble the file, move it into place, and return its size in bytes."""
        complete = self._part("complete")
        self._assemble(complete, texts)
        size = complete.stat().st_size
        complete.replace(self._path)
        return size

    def _part(self, name: str) -> Path:
        return Path(self._folder.name) / name

    def _append(self, name: str, values: Array) -> None:
        # opened each time: there can be more parts than a process may keep open
        with self._part(name).open("ab") as part:
            part.write(np.ascontiguousarray(values).data)


def add_array(archive: zipfile.ZipFile, name: str, array: Array) -> None:
    """Write an array to an archive, as NumPy's ``savez`` does."""
    with archive.open(f"{name}.npy", "w") as entry:
        np.lib.format.write_array(entry, array, allow_pickle=False)


def add_part(
    archive: zipfile.ZipFile, name: str, part: Path, dtype: Any, shape: Iterable[int]
) -> None:
    """Write a file of raw numbers to an archive, as an array of NumPy."""
    header = np.lib.format.header_data_from_array_1_0(np.empty(0, dtype))
    with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
        np.lib.format.write_array_header_1_0(entry, header | {"shape": tuple(shape)})
        with part.open("rb") as file:
            shutil.copyfileobj(file, entry, length=1 << 20)


def refuse_output(path: Path, overwrite: bool, suffixes: tuple[str, ...] | None = None) -> None:
    """Check that an output file can be written, before any work is done for it.

    Parameters
    ----------
    path : Path
        Output file.
    overwrite : bool
        Whether an existing file may be replaced.
    suffixes : tuple of str, optional
        Endings of which its name has one; by default any.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    FileNotFoundError
        If its folder does not exist.
    IsADirectoryError
        If it is a folder.
    PermissionError
        If nothing can be written to its folder.
    ValueError
        If its name ends in none of `suffixes`.
    """
    if suffixes is not None and path.suffix not in suffixes:
        raise ValueError(
            f"found the output {path.name!r}, expected a name that ends in one of {', '.join(suffixes)}"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name!r} to")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected a file")
    refuse_locked_folder(path.parent)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists already; use --overwrite to replace it")


def refuse_locked_folder(folder: Path) -> None:
    """Check that files can be made in a folder.

    Raises
    ------
    PermissionError
        If they cannot.
    """
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"the folder {folder} cannot be written to; give another output")
