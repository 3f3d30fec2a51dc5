"""Groups of atoms as ellipsoids."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...geometry import matrices_to_quaternions
from ..ellipsoid_data import EllipsoidData
from ..files.ase_files import calculated_targets, iterate_atoms
from ..files.stored_frame import Array
from .connectivity import Groups, find_molecules, whole_groups, whole_molecules


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
        members, whole = whole_molecules(atoms)
    else:
        members = [np.asarray(group, dtype=np.int64) for group in groups]
        _refuse_faulty_groups(members, len(atoms))
        whole = whole_groups(atoms, members)  # -> [atoms, 3]
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


def iterate_coarse_grained(
    path: str | PathLike[str],
    *,
    types: Mapping[str, int] | None = None,
    dtype: torch.dtype | None = None,
) -> Iterator[EllipsoidData]:
    """Yield the frames of a file of atoms one by one, each molecule an ellipsoid.

    Parameters
    ----------
    path : str or PathLike
        Any file of atoms that ASE reads.
    types : mapping from str to int, optional
        As for :func:`coarse_grain`. If not given, all molecules of all frames must have one
        formula.
    dtype : torch.dtype, optional
        torch's default dtype if not given.
    """
    frames = iterate_atoms(Path(path))
    for number in itertools.count():
        try:
            atoms = next(frames, None)
            if atoms is None:
                return
            if types is None and len(atoms) > 0:
                kinds = set(formulas(atoms, find_molecules(atoms)))
                types = {kinds.pop(): 0} if len(kinds) == 1 else None
            data = coarse_grain(atoms, types=types, dtype=dtype)
        except ValueError as error:
            raise ValueError(f"{path}, frame {number}: {error}") from error
        yield data


def formulas(atoms: Any, groups: Groups) -> list[str]:
    """Chemical formula of each group, in Hill order as ASE writes it."""
    from ase.formula import Formula

    symbols = np.array(atoms.get_chemical_symbols(), dtype=object)
    return [Formula.from_list(symbols[group]).format("hill") for group in groups]


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
