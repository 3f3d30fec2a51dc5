"""TensorMap files of metatensor, written frame by frame in constant memory."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .output_file import OutputFile, add_array, add_part
from .stored_frame import Array


class TensorMapFile(OutputFile):
    """TensorMap file, ``.mts``, joined from TensorMaps of a few systems each.

    Read it with ``metatensor.load`` or ``metatensor.torch.load``. The file is an uncompressed archive of
    arrays in NumPy's format, so the samples of each block can be appended as they come. metatensor's own
    ``save`` needs the whole TensorMap in memory.

    Parameters
    ----------
    path : Path
        Output file.
    template : TensorMap
        TensorMap with the keys, components, properties and dtypes of all that will be appended. Its
        samples are ignored. It has no gradients.
    overwrite : bool
        Whether an existing file may be replaced.
    """

    suffixes = (".mts",)

    def __init__(self, path: Path, template: Any, overwrite: bool = False) -> None:
        super().__init__(path, overwrite)
        self._template = template
        self._n_samples = [0] * len(template.keys)
        self._n_systems = 0

    def append(self, tensor_map: Any, n_systems: int) -> None:
        """Append systems.

        Parameters
        ----------
        tensor_map : TensorMap
            TensorMap of these systems. The first name of its samples is ``system``, counted from 0.
        n_systems : int
            Number of these systems.
        """
        for number, block in enumerate(tensor_map.blocks()):
            first = np.zeros(len(block.samples.names), dtype="<i4")
            first[0] = self._n_systems
            samples = np.asarray(block.samples.values) + first  # -> [sample, name]
            self._append(f"{number}.samples", samples)
            self._append(f"{number}.values", np.asarray(block.values))
            self._n_samples[number] += len(samples)
        self._n_systems += n_systems

    def finish(self, texts: Mapping[str, str]) -> int:
        """Assemble the file and move it into place.

        Parameters
        ----------
        texts : mapping from str to str
            Entries of the `info` of the TensorMap.

        Returns
        -------
        int
            Size of the file in bytes.
        """
        return self._finish(texts)

    def _assemble(self, target: Path, texts: Mapping[str, str]) -> None:
        with zipfile.ZipFile(target, "w") as archive:
            add_array(archive, "keys", _stored(self._template.keys))
            for number, block in enumerate(self._template.blocks()):
                folder, n_samples = f"blocks/{number}", self._n_samples[number]
                samples, values = self._part(f"{number}.samples"), self._part(f"{number}.values")
                samples.touch()
                values.touch()
                shape = n_samples, *block.values.shape[1:]
                dtype = np.asarray(block.values[:0]).dtype
                add_part(archive, f"{folder}/values", values, dtype, shape)
                add_part(archive, f"{folder}/samples", samples, _record(block.samples), [n_samples])
                for name, labels in _fixed_labels(block):
                    add_array(archive, f"{folder}/{name}", _stored(labels))
                samples.unlink()  # the disk holds little more than twice the output
                values.unlink()
            archive.writestr("info.json", json.dumps(dict(texts)))


def _fixed_labels(block: Any) -> Iterator[tuple[str, Any]]:
    for number, component in enumerate(block.components):
        yield f"components/{number}", component
    yield "properties", block.properties


def _record(labels: Any) -> np.dtype[Any]:
    return np.dtype([(name, "<i4") for name in labels.names])


def _stored(labels: Any) -> Array:
    """Labels as metatensor stores them: an array of records with named fields."""
    values = np.ascontiguousarray(labels.values, dtype="<i4")
    return values.view(_record(labels)).reshape(len(values))
