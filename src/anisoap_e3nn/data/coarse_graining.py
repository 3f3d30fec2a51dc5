"""Groups of atoms as ellipsoids."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from anisoap_e3nn.data.ase_files import calculated_targets
from anisoap_e3nn.data.ellipsoid_data import EllipsoidData
from anisoap_e3nn.data.stored_frame import Array
from anisoap_e3nn.geometry import matrices_to_quaternions
from anisoap_e3nn.graph import edge_vectors, neighbor_list

Groups = list[npt.NDArray[np.int64]]

# Atoms closer than this multiple of the sum of their covalent radii are bonded. In crystals of
# vibrating benzene bonds reach 1.23 of the sum and other contacts begin at 1.47.
_BOND_REACH = 1.3


def coarse_grain(
    atoms: Any,
    groups: Sequence[Sequence[int]] | None = None,
    *,
    types: Mapping[str, int] | None = None,
    dtype: torch.dtype | None = None,
) -> EllipsoidData:
    r"""Turn groups of atoms into ellipsoids of the same mass distribution.

    An ellipsoid sits at the centre of mass :math:`c`, its axes are those of the gyration tensor

    .. math:: G = \frac{\sum_i m_i \, (r_i - c)(r_i - c)^\top}{\sum_i m_i}

    longest first, and its semi-axes are :math:`a_k = \sqrt{5 \lambda_k}` for the eigenvalues
    :math:`\lambda_k` of :math:`G`: a homogeneous solid ellipsoid with these semi-axes has the
    gyration tensor :math:`G`. AniSOAP's own files were made so (:math:`a_k` are half of their
    diameters, but for vanishing ones, which AniSOAP cannot have). Flat groups give disks, linear
    ones needles, single atoms points.

    Parameters
    ----------
    atoms : ase.Atoms
        Atoms, with their cell and periodicity. Groups that cross the boundary are made whole.
    groups : sequence of sequences of int, optional
        Indices of the atoms of each ellipsoid; atoms in none are left out. If not given, one group
        per molecule, see :func:`find_molecules`.
    types : mapping from str to int, optional
        Type for each chemical formula (Hill order, as ASE writes it). If not given, all groups must
        have one formula, and get type 0.
    dtype : torch.dtype, optional
        torch's default dtype if not given.

    Returns
    -------
    EllipsoidData
        In the order of the groups. With the energy of the atoms, if they have one; with `forces`
        :math:`F = \sum_i f_i` and `torques` :math:`\tau = \sum_i (r_i - c) \times f_i` on the
        ellipsoids, if they have forces. The stress is left out: that of rigid bodies is another.

    Raises
    ------
    ValueError
        For empty or overlapping groups, indices out of range, groups without mass, formulas without
        a type, and molecules that are bonded to their own periodic images.

    Examples
    --------
    >>> from ase.build import molecule
    >>> benzene = coarse_grain(molecule("C6H6"))
    >>> benzene.semiaxes  # in Å: a disk
    tensor([[2.3838, 2.3838, 0.0000]])
    """
    if groups is None:
        members, whole = _molecules(atoms)
    else:
        members = [np.asarray(group, dtype=np.int64) for group in groups]
        _refuse_faulty_groups(members, len(atoms))
        whole = _whole_by_distance(atoms, members)  # -> [atoms, 3]
    kinds = _types(formulas(atoms, members), types)  # -> [N]
    dtype = dtype or torch.get_default_dtype()
    n = len(members)
    masses = atoms.get_masses()  # -> [atoms]
    centres, gyration = np.zeros((n, 3)), np.zeros((n, 3, 3))
    for k, group in enumerate(members):
        if not masses[group].sum() > 0:
            raise ValueError(f"group {k} has no mass: its atoms {group.tolist()} have mass 0")
        weights = masses[group] / masses[group].sum()  # -> [group]
        centres[k] = weights @ whole[group]
        arms = whole[group] - centres[k]  # -> [group, 3]
        gyration[k] = (weights[:, None] * arms).T @ arms
    eigenvalues, axes = np.linalg.eigh(gyration)
    eigenvalues, axes = eigenvalues[:, ::-1], axes[:, :, ::-1].copy()  # longest first
    axes[np.linalg.det(axes) < 0, :, 2] *= -1  # right-handed
    targets = calculated_targets(atoms)
    targets.pop("stress", None)
    if "forces" in targets:
        forces = targets["forces"]
        targets["forces"] = _sums(forces, members)
        arms = whole.copy()
        for centre, group in zip(centres, members, strict=True):
            arms[group] -= centre
        targets["torques"] = _sums(np.cross(arms, forces), members)
    return EllipsoidData(
        pos=torch.tensor(centres, dtype=dtype),
        orientations=matrices_to_quaternions(torch.from_numpy(axes)).to(dtype),
        semiaxes=torch.tensor(np.sqrt(5 * eigenvalues.clip(min=0)), dtype=dtype),
        types=torch.tensor(kinds, dtype=torch.int64),
        cell=torch.tensor(atoms.cell.array, dtype=dtype),
        pbc=torch.tensor(atoms.pbc),
        **{name: torch.tensor(value, dtype=dtype) for name, value in targets.items()},
    )


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
        For a molecule that is bonded to its own periodic image (a chain or network without end).
    """
    return _molecules(atoms)[0]


def formulas(atoms: Any, groups: Groups) -> list[str]:
    """Chemical formula of each group, in Hill order as ASE writes it."""
    from ase.formula import Formula

    symbols = np.array(atoms.get_chemical_symbols(), dtype=object)
    return [Formula.from_list(symbols[group]).format("hill") for group in groups]


def _molecules(atoms: Any) -> tuple[Groups, Array]:
    """Molecules, and the positions of their atoms with no molecule cut by the boundary."""
    from ase.data import covalent_radii

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


def _whole_by_distance(atoms: Any, groups: Groups) -> Array:
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


def _sums(values: Array, groups: Groups) -> Array:
    return np.array([values[group].sum(0) for group in groups]).reshape(-1, 3)  # -> [N, 3]


def _types(found: list[str], types: Mapping[str, int] | None) -> list[int]:
    kinds = sorted(set(found))
    if types is None and len(kinds) > 1:
        raise ValueError(
            f"several kinds of groups: {kinds}; give each a type, "
            f"types={ {kind: k for k, kind in enumerate(kinds)} }"
        )
    types = dict.fromkeys(kinds, 0) if types is None else types
    unknown = [kind for kind in kinds if kind not in types]
    if unknown:
        raise ValueError(f"types are given for {sorted(types)}, not for {unknown}")
    return [types[kind] for kind in found]


def _refuse_faulty_groups(groups: Groups, number: int) -> None:
    if any(group.ndim != 1 or len(group) == 0 for group in groups):
        raise ValueError("each group should be a list of one or more indices of atoms")
    members = np.concatenate([*groups, np.empty(0, dtype=np.int64)])
    outside = members[(members < 0) | (members >= number)]
    if len(outside):
        raise ValueError(f"groups should hold indices in 0..{number - 1}, found {int(outside[0])}")
    counts = np.bincount(members, minlength=number)
    if np.any(counts > 1):
        raise ValueError(f"atom {int(counts.argmax())} is in more than one group, or twice in one")
