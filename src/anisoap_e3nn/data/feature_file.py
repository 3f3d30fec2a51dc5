"""Files of features, written frame by frame without ever holding all of them."""

import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor


class FeatureFile:
    """A file of features that appears, complete, when it is finished, and not at all otherwise.

    Everything is appended to temporary files beside the output, so that memory does not grow with
    the number of frames; :meth:`finish` assembles them, and leaving the context removes them.

    Parameters
    ----------
    path : Path
        Where to write; its suffix, one of `SUFFIXES`, chooses the format.
    dim : int
        Number of features of each particle.
    dtype : torch.dtype
        Of the features.
    overwrite : bool
        Whether `path` may exist.

    Notes
    -----
    Either format holds `features` (particles, dim), of all frames one after another, `types`
    (particles,), `n_particles` (frames,), and the texts that :meth:`finish` is given.
    ``.npz`` is read with ``numpy.load``, ``.pt`` with ``torch.load(..., weights_only=True)``, where
    ``mmap=True`` leaves the features on disk.
    """

    def __init__(self, path: Path, dim: int, dtype: torch.dtype, overwrite: bool = False) -> None:
        refuse_output(path, overwrite)
        self._path = path
        self._shapes: dict[str, list[int]] = {
            "features": [0, dim], "types": [0], "n_particles": [0]
        }  # fmt: skip
        self._dtypes = {"features": dtype, "types": torch.int64, "n_particles": torch.int64}

    def __enter__(self) -> "FeatureFile":
        # beside the output: renaming is atomic only within one file system
        self._folder = TemporaryDirectory(prefix=f".{self._path.name}.", dir=self._path.parent)
        self._files = {name: self._part(name).open("wb") for name in self._shapes}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for file in self._files.values():
            file.close()
        self._folder.cleanup()

    def append(self, features: Tensor, types: Tensor, n_particles: Tensor) -> None:
        """Add some frames.

        Parameters
        ----------
        features : Tensor ``(particles, dim)``
            Of all their particles.
        types : Tensor ``(particles,)``
            The types of these.
        n_particles : Tensor ``(frames,)``
            How many of them belong to each frame.
        """
        values = {"features": features, "types": types, "n_particles": n_particles}
        for name, value in values.items():
            self._files[name].write(value.to(self._dtypes[name]).contiguous().numpy().data)
            self._shapes[name][0] += len(value)

    def finish(self, texts: Mapping[str, Any]) -> int:
        """Assemble the file and put it in its place.

        Parameters
        ----------
        texts : mapping
            Names of further entries to strings or lists of strings.

        Returns
        -------
        int
            Size of the file in bytes.
        """
        for file in self._files.values():
            file.close()
        complete = self._part("complete")
        _WRITERS[self._path.suffix](self, complete, texts)
        size = complete.stat().st_size
        complete.replace(self._path)
        return size

    def _part(self, name: str) -> Path:
        return Path(self._folder.name) / name

    def _write_npz(self, target: Path, texts: Mapping[str, Any]) -> None:
        with zipfile.ZipFile(target, "w") as archive:
            for name, shape in self._shapes.items():
                empty = np.empty(0, dtype=str(self._dtypes[name]).removeprefix("torch."))
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    header = np.lib.format.header_data_from_array_1_0(empty)
                    np.lib.format.write_array_header_1_0(entry, header | {"shape": tuple(shape)})
                    with self._part(name).open("rb") as part:
                        shutil.copyfileobj(part, entry, length=1 << 20)
            for name, text in texts.items():
                with archive.open(f"{name}.npy", "w") as entry:
                    np.lib.format.write_array(entry, np.array(text), allow_pickle=False)

    def _write_pt(self, target: Path, texts: Mapping[str, Any]) -> None:
        tensors = {}
        for name, shape in self._shapes.items():
            size, dtype = int(np.prod(shape)), self._dtypes[name]
            # mapped into memory, not read: torch.save writes it out page by page
            flat = torch.from_file(str(self._part(name)), size=size, dtype=dtype) if size else None
            tensors[name] = torch.empty(shape, dtype=dtype) if flat is None else flat.view(shape)
        torch.save({**tensors, **texts}, target)


_WRITERS: dict[str, Callable[[FeatureFile, Path, Mapping[str, Any]], None]] = {
    ".npz": FeatureFile._write_npz,
    ".pt": FeatureFile._write_pt,
}
SUFFIXES = tuple(_WRITERS)


def refuse_output(path: Path, overwrite: bool) -> None:
    """Refuse a file that could not be written in the end, before any work is done for it."""
    if path.suffix not in SUFFIXES:
        raise ValueError(f"output files end in one of {', '.join(SUFFIXES)}, found {path.name!r}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name!r} to")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists already; it is replaced only with --overwrite")
