"""Files of features as plain arrays, written frame by frame without ever holding all of them."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .output_file import OutputFile, add_array, add_part


class FeatureFile(OutputFile):
    """A file of features as arrays, ``.npz`` or ``.pt``.

    Parameters
    ----------
    path : Path
        Where to write; its suffix chooses the format.
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

    suffixes = (".npz", ".pt")

    def __init__(self, path: Path, dim: int, dtype: torch.dtype, overwrite: bool = False) -> None:
        super().__init__(path, overwrite)
        self._shapes: dict[str, list[int]] = {
            "features": [0, dim], "types": [0], "n_particles": [0]
        }  # fmt: skip
        self._dtypes = {"features": dtype, "types": torch.int64, "n_particles": torch.int64}

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
            self._append(name, value.to(self._dtypes[name]).numpy())
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
        for name in self._shapes:
            self._part(name).touch()
        return self._finish(texts)

    def _assemble(self, target: Path, texts: Mapping[str, Any]) -> None:
        if self._path.suffix == ".npz":
            self._write_npz(target, texts)
        else:
            self._write_pt(target, texts)

    def _write_npz(self, target: Path, texts: Mapping[str, Any]) -> None:
        with zipfile.ZipFile(target, "w") as archive:
            for name, shape in self._shapes.items():
                dtype = str(self._dtypes[name]).removeprefix("torch.")
                add_part(archive, name, self._part(name), dtype, shape)
            for name, text in texts.items():
                add_array(archive, name, np.array(text))

    def _write_pt(self, target: Path, texts: Mapping[str, Any]) -> None:
        tensors = {}
        for name, shape in self._shapes.items():
            size, dtype = int(np.prod(shape)), self._dtypes[name]
            # mapped into memory, not read: torch.save writes it out page by page
            flat = torch.from_file(str(self._part(name)), size=size, dtype=dtype) if size else None
            tensors[name] = torch.empty(shape, dtype=dtype) if flat is None else flat.view(shape)
        torch.save({**tensors, **texts}, target)
