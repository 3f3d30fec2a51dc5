"""Checks of the files of a training, before it starts."""

from typing import Any

import ase.io
from ase.data import chemical_symbols

from ..ellipsoid_arrays import fault_of_arrays, fault_of_positions


def refuse_faulty_files(args: Any, torques: bool) -> None:
    """Refuse files whose frames lack arrays of ellipsoids, are faulty, or have types unknown to the model.

    Parameters
    ----------
    args : Namespace
        Options of ``mace_run_train``. The types are its ``atomic_numbers``, else those of the files for
        training and validation.
    torques : bool
        Whether each frame must have torques.

    Raises
    ------
    ValueError
        The message names file, frame, field and particle.
    """
    names = ("orientations", "semiaxes", "torques") if torques else ("orientations", "semiaxes")
    known: set[int] = set()
    for option in ("train_file", "valid_file", "test_file"):
        paths = getattr(args, option) or ()
        for path in [paths] if isinstance(paths, str) else paths:
            for number, atoms in enumerate(ase.io.iread(path, ":")):
                fault = fault_of_arrays(atoms.arrays, len(atoms), names)
                fault = fault or fault_of_positions(atoms.positions, atoms.cell.array, atoms.pbc)
                if not fault and option == "test_file":
                    fault = _unknown_type(atoms.numbers.tolist(), known)
                if fault:
                    raise ValueError(f"{path}, frame {number}: {fault}")
                known.update(atoms.numbers.tolist())


def _unknown_type(numbers: list[int], known: set[int]) -> str:
    for particle, number in enumerate(numbers):
        if number not in known:
            symbols = ", ".join(chemical_symbols[each] for each in sorted(known))
            return (
                f"particle {particle} is {chemical_symbols[number]!r}, for which the model has no type; "
                f"expected those of the training files: {symbols}"
            )
    return ""
