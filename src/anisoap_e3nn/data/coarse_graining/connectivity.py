"""Which atoms belong together, and where they are once no group is cut by the boundary."""

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
        Atoms, with their cell and periodicity.

    Returns
    -------
    list of integer arrays
        Sorted indices of the atoms of each molecule, the molecule of the lowest index first.

    Raises
    ------
    ValueError
        For a molecule that is bonded to its own periodic image (a chain or network without end),
        and for particles of no element (ASE's X).
    """
    return whole_molecules(atoms)[0]


def whole_molecules(atoms: Any) -> tuple[Groups, Array]:
    """Molecules, and the positions of their atoms with no molecule cut by the boundary."""
    from ase.data import covalent_radii

    if np.any(atoms.numbers == 0):
        raise ValueError(
            "particles of no element (X) have no covalent radius, so their bonds cannot be found: "
            "give groups instead, or no coarse-graining if they are ellipsoids already"
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
    images = np.zeros((len(atoms), 3), dtype=np.int64)  # in which image of the cell an atom belongs
    groups, seen = [], np.zeros(len(atoms), dtype=bool)
    for first in range(len(atoms)):
        if seen[first]:
            continue
        seen[first] = True
        group = [first]
        for atom in group:  # which grows as it is walked
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
            f"the molecule of atom {one} is bonded to its own periodic image through atom {other}: "
            "a chain or network without end is no molecule; give groups of atoms instead"
        )
    return groups, atoms.positions + images @ atoms.cell.array


def whole_groups(atoms: Any, groups: Groups) -> Array:
    """Positions with every group in one piece, joined over its shortest minimum-image distances."""
    from ase.geometry import get_distances

    whole: Array = atoms.positions.copy()
    for group in groups if atoms.pbc.any() else []:
        vectors, lengths = get_distances(atoms.positions[group], cell=atoms.cell, pbc=atoms.pbc)
        # Prim's spanning tree: long groups follow their own short links, not one long vector, which
        # could reach the wrong image.
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
