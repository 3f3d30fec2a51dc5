"""Feature files of plain arrays, written frame by frame in constant memory."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .output_file import OutputFile, add_array, add_part


class FeatureFile(OutputFile):
    """Feature file of plain arrays, ``.npz`` or ``.pt``.

    Parameters
    ----------
    path : Path
        Output file. Its suffix selects the format.
    dim : int
        Number of features of each particle.
    dtype : torch.dtype
        Dtype of the features.
    overwrite : bool
        Whether an existing file may be replaced.

    Notes
    -----
    Both formats contain `features` (particles, dim) of all frames in order, `types` (particles,),
    `n_particles` (frames,), and the texts given to :meth:`finish`. Read ``.npz`` with
    ``numpy.load``, and ``.pt`` with ``torch.load(..., weights_only=True)``; with ``mmap=True`` the
    features stay on disk.
    """

    suffixes = (".npz", ".pt")

    def __init__(self, path: Path, dim: int, dtype: torch.dtype, overwrite: bool = False) -> None:
        super().__init__(path, overwrite)
        self._shapes: dict[str, list[int]] = {
            "features": [0, dim], "types": [0], "n_particles": [0]
        }  # fmt: skip
        self._dtypes = {"features": dtype, "types": torch.int64, "n_particles": torch.int64}

    def append(self, features: Tensor, types: Tensor, n_particles: Tensor) -> None:
        """Append frames.

        Parameters
        ----------
        features : Tensor ``(particles, dim)``
            Features of all particles of these frames.
        types : Tensor ``(particles,)``
            Types of these particles.
        n_particles : Tensor ``(frames,)``
            Number of particles in each frame.
        """
        values = {"features": features, "types": types, "n_particles": n_particles}
        for name, value in values.items():
            self._append(name, value.to(self._dtypes[name]).numpy())
            self._shapes[name][0] += len(value)

    def finish(self, texts: Mapping[str, Any]) -> int:
        """Assemble the file and move it into place.

        Parameters
        ----------
        texts : mapping
            Further entries by name: strings or lists of strings.

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
            dtype = str(self._dtypes[name]).removeprefix("torch.")
            # mapped into memory, not read: torch.save writes it page by page
            values = (
                np.memmap(self._part(name), dtype, shape=tuple(shape))
                if np.prod(shape)
                else np.empty(shape, dtype)
            )
            tensors[name] = torch.from_numpy(values)
        with target.open("wb") as file:  # torch opens no paths that are not UTF-8
            torch.save({**tensors, **texts}, file)
