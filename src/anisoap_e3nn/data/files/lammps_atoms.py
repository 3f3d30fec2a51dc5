"""Atoms of text dumps of LAMMPS, with their elements and masses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from . import lammps_dump
from .number_columns import Array, finite_numbers
from .stored_frame import StoredFrame

# an atomic mass in u, as force fields round it, differs by less from that of its element
_ROUNDING = 0.1


def iterate_atoms(path: Path) -> Iterator[Any]:
    """Yield each frame of a text dump as ``ase.Atoms``, with forces where the dump has them.

    Elements are the column `element` or, without it, those that have the atoms' masses in ASE's table. The
    column `mass` holds the masses, in u. Without it they are those of the elements.

    Raises
    ------
    ValueError
        If the dump has neither column, or a symbol or a mass is that of no element.
    """
    return map(_atoms, lammps_dump.iterate_frames(path))


def _atoms(frame: StoredFrame) -> Any:
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    columns = frame.columns
    masses = finite_numbers("mass", columns["mass"]) if "mass" in columns else None
    if "element" in columns:
        numbers = lammps_dump.numbers_of_symbols(columns["element"])
    elif masses is not None:
        numbers = _numbers_of_masses(masses)
    else:
        raise ValueError(
            "found neither the column 'element' nor 'mass', expected one that tells the elements; add "
            "element to the dump command and the elements of the types by dump_modify ID element C H ..."
        )
    atoms = Atoms(numbers, frame.positions, cell=frame.cell, pbc=frame.pbc, masses=masses)
    if "forces" in frame.targets:
        atoms.calc = SinglePointCalculator(atoms, forces=frame.targets["forces"])
    return atoms


def _numbers_of_masses(masses: Array) -> Array:
    from ase.data import atomic_masses

    differences = np.abs(masses[:, None] - atomic_masses[1:])  # -> [atom, element]
    numbers = 1 + differences.argmin(1)
    strange = np.flatnonzero(differences.min(1) > _ROUNDING)
    if len(strange):
        raise ValueError(
            f"found the mass {masses[strange[0]]:g}, which is that of no element, and no column 'element'; "
            "add element to the dump command"
        )
    return np.asarray(numbers)
