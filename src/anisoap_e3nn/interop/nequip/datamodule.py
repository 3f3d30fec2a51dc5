"""Files of ellipsoids for ``nequip-train``, checked before training starts."""

from collections.abc import Sequence
from typing import Any

import ase.data
import torch
from nequip.data import AtomicDataDict
from nequip.data.datamodule import ASEDataModule

from .keys import ORIENTATIONS, SEMIAXES, TORQUES

_WIDTHS = {ORIENTATIONS: 4, SEMIAXES: 3, TORQUES: 3}


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
        a semi-axis is negative, a number is NaN or infinite, or the model has no type for a particle. The
        message names file, frame and particle.
    """

    def __init__(self, *args: Any, torques: bool = True, **options: Any) -> None:
        self.fields = [name for name in _WIDTHS if torques or name != TORQUES]
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
    for name in fields:
        if name not in frame:
            return (
                f"found no {name!r}, expected a column {name}:R:{_WIDTHS[name]}"
                + ("; without torques use torques: false" if name == TORQUES else "")
                + "; `anisoap-e3nn convert` writes it from other names"
            )
        values = torch.as_tensor(frame[name])
        if tuple(values.shape) != (n, _WIDTHS[name]):
            return f"{name} has shape {tuple(values.shape)}, expected {(n, _WIDTHS[name])}"
        row = _first((~values.isfinite()).any(1))
        if row is not None:
            return f"{name} of particle {row} is {values[row].tolist()}, expected finite numbers"
    orientations, semiaxes = (torch.as_tensor(frame[name]) for name in (ORIENTATIONS, SEMIAXES))
    row = _first((orientations == 0).all(1))
    if row is not None:
        return (
            f"orientations of particle {row} is the zero quaternion, expected a rotation; the identity is "
            "1 0 0 0"
        )
    row = _first((semiaxes < 0).any(1))
    if row is not None:
        return f"semiaxes of particle {row} is {semiaxes[row].tolist()}, expected lengths ≥ 0"
    if known is None:
        return ""
    numbers = frame[AtomicDataDict.ATOMIC_NUMBERS_KEY].view(-1)
    row = _first(known[numbers] < 0)
    if row is not None:
        symbol = ase.data.chemical_symbols[int(numbers[row])]
        return (
            f"particle {row} is {symbol!r}, for which the model has no type; add it to model_type_names and "
            "chemical_species_to_atom_type_map"
        )
    return ""


def _first(wrong: torch.Tensor) -> int | None:
    return int(wrong.nonzero()[0]) if wrong.any() else None
