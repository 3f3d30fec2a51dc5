"""Ellipsoids from groups of atoms."""

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
import torch

from ...geometry import matrices_to_quaternions
from ..ellipsoid_data import EllipsoidData
from ..files.ase_files import atoms_of_file
from ..files.conversion import convert_frames
from .connectivity import find_molecules, whole_groups, whole_molecules
from .groups import formulas, refuse_faulty_groups, targets_of_groups, types_of


def coarse_grain(
    atoms: Any,
    groups: Sequence[Sequence[int]] | None = None,
    *,
    types: Mapping[str, int] | None = None,
    dtype: torch.dtype | None = None,
) -> EllipsoidData:
    r"""Turn groups of atoms into ellipsoids of equal mass distribution.

    An ellipsoid sits at the centre of mass :math:`c`. Its axes are those of the gyration tensor

    .. math:: G = \frac{\sum_i m_i \, (r_i - c)(r_i - c)^\top}{\sum_i m_i}

    longest first. Its semi-axes are :math:`a_k = \sqrt{5 \lambda_k}` with the eigenvalues
    :math:`\lambda_k` of :math:`G`: a homogeneous solid ellipsoid with these semi-axes has the
    gyration tensor :math:`G`. AniSOAP's own files follow the same rule: :math:`a_k` is half of
    their diameter, except where it vanishes, which AniSOAP does not allow. Flat groups give disks,
    linear groups needles, single atoms points.

    Parameters
    ----------
    atoms : ase.Atoms
        Atoms with cell and periodicity. Groups that cross the boundary are unwrapped.
    groups : sequence of sequences of int, optional
        Indices of the atoms of each ellipsoid. Atoms in no group are left out. By default one
        group per molecule, see :func:`find_molecules`.
    types : mapping from str to int, optional
        Type of each chemical formula (in Hill order, as ASE writes it). By default all groups must
        have the same formula, and get type 0.
    dtype : torch.dtype, optional
        By default torch's default dtype.

    Returns
    -------
    EllipsoidData
        Ellipsoids in the order of the groups. They have an `energy` if the atoms have one. (ASE
        attaches an energy of 0 to frames of LAMMPS dumps, so an energy of 0 beside forces is left
        out.) If the atoms have forces :math:`f_i`, the ellipsoids have `forces`
        :math:`F = \sum_i f_i` and `torques` :math:`\tau = \sum_i (r_i - c) \times f_i`. The stress
        is left out, since rigid bodies have a different one.

    Raises
    ------
    ValueError
        If groups are empty or overlap, an index is out of range, a group has no mass, a formula
        has no type, or a molecule is bonded to its own periodic image.

    Examples
    --------
    >>> from ase.build import molecule
    >>> benzene = coarse_grain(molecule("C6H6"))
    >>> benzene.semiaxes  # in Å: a disk
    tensor([[2.3838, 2.3838, 0.0000]])
    """
    if groups is None:
        members, whole = whole_molecules(atoms)
    else:
        members = [np.asarray(group, dtype=np.int64) for group in groups]
        refuse_faulty_groups(members, len(atoms))
        whole = whole_groups(atoms, members)  # -> [atoms, 3]
    type_of_each = types_of(atoms, members, types)  # -> [N]
    dtype = dtype or torch.get_default_dtype()
    n = len(members)
    masses = atoms.get_masses()  # -> [atoms]
    centres, gyration = np.zeros((n, 3)), np.zeros((n, 3, 3))
    for k, group in enumerate(members):
        if not masses[group].sum() > 0:
            raise ValueError(f"group {k}, atoms {group.tolist()}, has mass 0, expected > 0")
        weights = masses[group] / masses[group].sum()  # -> [group]
        centres[k] = weights @ whole[group]
        arms = whole[group] - centres[k]  # -> [group, 3]
        gyration[k] = (weights[:, None] * arms).T @ arms
    eigenvalues, axes = np.linalg.eigh(gyration)
    eigenvalues, axes = eigenvalues[:, ::-1], axes[:, :, ::-1].copy()  # longest first
    axes[np.linalg.det(axes) < 0, :, 2] *= -1  # right-handed
    targets = targets_of_groups(atoms, members, whole, centres)
    return EllipsoidData(
        pos=torch.tensor(centres, dtype=dtype),
        orientations=matrices_to_quaternions(torch.from_numpy(axes)).to(dtype),
        semiaxes=torch.tensor(np.sqrt(5 * eigenvalues.clip(min=0)), dtype=dtype),
        types=torch.tensor(type_of_each, dtype=torch.int64),
        cell=torch.tensor(atoms.cell.array, dtype=dtype),
        pbc=torch.tensor(atoms.pbc),
        **{name: torch.tensor(value, dtype=dtype) for name, value in targets.items()},
    )


def iterate_coarse_grained(
    path: str | PathLike[str],
    *,
    types: Mapping[str, int] | None = None,
    pbc: bool | Sequence[bool] | None = None,
    dtype: torch.dtype | None = None,
) -> Iterator[EllipsoidData]:
    """Read a file of atoms frame by frame, with an ellipsoid for each molecule.

    Parameters
    ----------
    path : str or PathLike
        File of atoms, in any format that ASE reads.
    types : mapping from str to int, optional
        As for :func:`coarse_grain`. By default all molecules of all frames must have the same
        formula.
    pbc : bool or three bools, optional
        Which axes are periodic, instead of those that the file names.
    dtype : torch.dtype, optional
        By default torch's default dtype.

    Yields
    ------
    EllipsoidData

    Raises
    ------
    ValueError
        As for :func:`coarse_grain`. The message names the file and the frame.
    """
    known = types

    def convert(atoms: Any) -> EllipsoidData:
        nonlocal known
        if known is None and len(atoms) > 0:
            found = set(formulas(atoms, find_molecules(atoms)))
            known = {found.pop(): 0} if len(found) == 1 else None
        return coarse_grain(atoms, types=known, dtype=dtype)

    return convert_frames(path, atoms_of_file(path, pbc), convert)
