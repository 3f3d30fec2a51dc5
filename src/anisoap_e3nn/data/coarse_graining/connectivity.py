"""Molecules by connectivity, and groups of atoms unwrapped across the cell boundary."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ...graph import edge_vectors, neighbor_list
from ..files.stored_frame import Array

Groups = list[npt.NDArray[np.int64]]

# Atoms closer than this multiple of the sum of their covalent radii are bonded. In crystals of
# vibrating benzene bonds reach 1.23 of the sum and other contacts begin at 1.47.
_BOND_REACH = 1.3


def find_molecules(atoms: Any) -> Groups:
    """Find the molecules of a frame by connectivity.

    Two atoms are bonded if they, or their periodic images, are closer than 1.3 times the sum of
    their covalent radii (ASE's table).

    Parameters
    ----------
    atoms : ase.Atoms
        Atoms with cell and periodicity.

    Returns
    -------
    list of integer arrays
        Sorted indices of the atoms of each molecule. Molecules are ordered by their first atoms.

    Raises
    ------
    ValueError
        If a molecule is bonded to its own periodic image (an endless chain or network), or a
        particle has no element (ASE's X).
    """
    return whole_molecules(atoms)[0]


def whole_molecules(atoms: Any) -> tuple[Groups, Array]:
    """Find molecules, and positions of the atoms with every molecule in one piece."""
    from ase.data import covalent_radii

    if np.any(atoms.numbers == 0):
        raise ValueError(
            "found particles with no element (X), expected atoms with covalent radii; give groups, "
            "or do not coarse-grain if they are ellipsoids already"
        )
    unknown = atoms.numbers[(atoms.numbers < 0) | (atoms.numbers >= len(covalent_radii))]
    if len(unknown):
        raise ValueError(
            f"found the atomic number {int(unknown[0])}, expected 1 to {len(covalent_radii) - 1}"
        )
    reach = _BOND_REACH * covalent_radii[atoms.numbers]  # -> [atoms]
    positions = torch.tensor(atoms.positions)
    cell, pbc = torch.tensor(atoms.cell.array), torch.tensor(atoms.pbc)
    cutoff = 2 * float(reach.max(initial=_BOND_REACH))
    edge_index, edge_shifts = neighbor_list(positions, cutoff, cell=cell, pbc=pbc)
    lengths = edge_vectors(positions, edge_index, edge_shifts, cell).norm(dim=-1).numpy()
    neighbours, centres = edge_index.numpy()
    bonded = lengths <= reach[neighbours] + reach[centres]  # -> [edge]
    neighbours, centres = neighbours[bonded], centres[bonded]
    shifts = edge_shifts.numpy()[bonded].round().astype(np.int64)  # -> [bond, 3]

    bonds_of: list[list[int]] = [[] for _ in range(len(atoms))]
    for bond, centre in enumerate(centres):
        bonds_of[centre].append(bond)
    images = np.zeros(
        (len(atoms), 3), dtype=np.int64
    )  # the image of the cell that each atom belongs to
    groups, seen = [], np.zeros(len(atoms), dtype=bool)
    for first in range(len(atoms)):
        if seen[first]:
            continue
        seen[first] = True
        group = [first]
        for atom in group:  # grows while it is walked
            for bond in bonds_of[atom]:
                if not seen[neighbours[bond]]:
                    seen[neighbours[bond]] = True
                    images[neighbours[bond]] = images[atom] + shifts[bond]
                    group.append(neighbours[bond])
        groups.append(np.sort(np.array(group, dtype=np.int64)))
    endless = np.flatnonzero((images[neighbours] != images[centres] + shifts).any(-1))
    if len(endless):
        one, other = int(centres[endless[0]]), int(neighbours[endless[0]])
        raise ValueError(
            f"the molecule of atom {one} is bonded to its own periodic image through atom {other}, "
            "expected molecules of finite size; give groups of atoms"
        )
    return groups, atoms.positions + images @ atoms.cell.array


def whole_groups(atoms: Any, groups: Groups) -> Array:
    """Positions with every group in one piece: minimum-image vectors along a spanning tree."""
    from ase.geometry import get_distances

    whole: Array = atoms.positions.copy()
    for group in groups if atoms.pbc.any() else []:
        vectors, lengths = get_distances(atoms.positions[group], cell=atoms.cell, pbc=atoms.pbc)
        # Prim's minimum spanning tree: short links are safe, one long vector could reach the wrong
        # image.
        parent, distance = np.zeros(len(group), dtype=np.int64), lengths[0].copy()
        distance[0] = np.inf
        outside = np.arange(len(group)) > 0
        while outside.any():
            nearest = int(np.where(outside, distance, np.inf).argmin())
            outside[nearest] = False
            whole[group[nearest]] = (
                whole[group[parent[nearest]]] + vectors[parent[nearest], nearest]
            )
            closer = outside & (lengths[nearest] < distance)
            parent[closer], distance[closer] = nearest, lengths[nearest][closer]
    return whole
