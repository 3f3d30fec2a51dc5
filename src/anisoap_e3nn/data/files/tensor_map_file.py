"""Files of metatensor, written frame by frame without ever holding all of them."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .output_file import OutputFile, add_array, add_part
from .stored_frame import Array


class TensorMapFile(OutputFile):
    """A TensorMap of metatensor, ``.mts``, joined from TensorMaps of some systems each.

    ``metatensor.load`` and ``metatensor.torch.load`` read it. metatensor itself writes a TensorMap that is
    in memory as a whole; its file is an archive, not compressed, of arrays as NumPy stores them, one after
    another, so that the samples of each block can as well be collected one by one.

    Parameters
    ----------
    path : Path
        Where to write.
    template : TensorMap
        With the keys, components, properties and types of numbers of all that will be appended; its
        samples are not looked at. It has no gradients.
    overwrite : bool
        Whether `path` may exist.
    """

    suffixes = (".mts",)

    def __init__(self, path: Path, template: Any, overwrite: bool = False) -> None:
        super().__init__(path, overwrite)
        self._template = template
        self._n_samples = [0] * len(template.keys)
        self._n_systems = 0

    def append(self, tensor_map: Any, n_systems: int) -> None:
        """Add some systems.

        Parameters
        ----------
        tensor_map : TensorMap
            Of these, with samples whose first name is ``system``, from 0.
        n_systems : int
            How many there are.
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
        """Assemble the file and put it in its place.

        Parameters
        ----------
        texts : mapping from str to str
            The `info` of the TensorMap.

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
                samples.unlink()  # so that the disk never holds much more than the output twice
                values.unlink()
            archive.writestr("info.json", json.dumps(dict(texts)))


def _fixed_labels(block: Any) -> Iterator[tuple[str, Any]]:
    for number, component in enumerate(block.components):
        yield f"components/{number}", component
    yield "properties", block.properties


def _record(labels: Any) -> np.dtype[Any]:
    return np.dtype([(name, "<i4") for name in labels.names])


def _stored(labels: Any) -> Array:
    """Labels as metatensor stores them: records with named fields."""
    values = np.ascontiguousarray(labels.values, dtype="<i4")
    return values.view(_record(labels)).reshape(len(values))
