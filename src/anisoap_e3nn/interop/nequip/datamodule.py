"""Files of ellipsoids for ``nequip-train``, checked before training starts."""

from collections.abc import Sequence
from typing import Any

import ase.data
import torch
from nequip.data import AtomicDataDict
from nequip.data.datamodule import ASEDataModule

from ..ellipsoid_arrays import WIDTHS, fault_of_arrays, fault_of_positions
from .keys import TORQUES


class EllipsoidDataModule(ASEDataModule):  # type: ignore[misc]
    """nequip's data module for files of ASE, whose atoms carry orientations and semi-axes.

    The files are extended XYZ with the columns ``orientations:R:4`` (w, x, y, z, body → space),
    ``semiaxes:R:3`` and, for training on them, ``torques:R:3``; ``anisoap-e3nn convert`` writes them from any
    file that this package reads. All frames are checked once, when they are read.

    Parameters
    ----------
    torques : bool
        Whether each frame must have torques.
    **options
        As for nequip's ``ASEDataModule``.

    Raises
    ------
    ValueError
        When the files are read, if a field is missing or of the wrong shape, an orientation has no direction,
        a semi-axis is negative, a number is NaN or infinite, particles are in the same place, a frame is
        empty, or the model has no type for a particle. The message names file, frame and particle.
    """

    def __init__(self, *args: Any, torques: bool = True, **options: Any) -> None:
        self.fields = [name for name in WIDTHS if torques or name != TORQUES]
        keys = dict.fromkeys([*options.pop("include_keys", ()), *self.fields])
        super().__init__(*args, include_keys=list(keys), **options)
        self._checked: set[str] = set()

    def setup(self, stage: str) -> None:
        """Read the files of a stage and check each once."""
        super().setup(stage)
        for name in ("train", "val", "test", "predict"):
            for dataset in getattr(self, f"{name}_dataset", []):
                source = _file_dataset(dataset)
                if source.file_path not in self._checked:
                    self._refuse_faulty_frames(source)
                    self._checked.add(source.file_path)

    def _refuse_faulty_frames(self, dataset: Any) -> None:
        known = next(
            (t.lookup_table for t in dataset.transforms if hasattr(t, "lookup_table")), None
        )
        for number, frame in enumerate(dataset.data_list):
            fault = _fault(frame, self.fields, known)
            if fault:
                raise ValueError(f"{dataset.file_path}, frame {number}: {fault}")


def _file_dataset(dataset: Any) -> Any:
    """The data set of a file that a split or a subset is made of."""
    while not hasattr(dataset, "data_list"):
        dataset = dataset.dataset
    return dataset


def _fault(frame: dict[str, Any], fields: Sequence[str], known: torch.Tensor | None) -> str:
    n = len(frame[AtomicDataDict.POSITIONS_KEY])
    fault = fault_of_arrays(frame, n, fields)
    if fault and TORQUES not in frame:
        return f"{fault}; without torques use torques: false"
    if not fault:
        cell = frame.get(AtomicDataDict.CELL_KEY, torch.zeros(3, 3))
        pbc = frame.get(AtomicDataDict.PBC_KEY, torch.zeros(3, dtype=torch.bool))
        fault = fault_of_positions(frame[AtomicDataDict.POSITIONS_KEY], cell, pbc)
    if fault or known is None:
        return fault
    numbers = frame[AtomicDataDict.ATOMIC_NUMBERS_KEY].view(-1)
    unknown = (known[numbers] < 0).nonzero()
    if len(unknown) == 0:
        return ""
    row = int(unknown[0])
    symbol = ase.data.chemical_symbols[int(numbers[row])]
    return (
        f"particle {row} is {symbol!r}, for which the model has no type; add it to model_type_names and "
        "chemical_species_to_atom_type_map"
    )
