"""Mapping of trajectories of atoms to ellipsoids, one rigid shape for each type."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
import torch

from ...geometry import matrices_to_quaternions
from ..ellipsoid_data import EllipsoidData
from ..files.ase_files import atoms_of_file
from ..files.conversion import convert_frames
from ..files.stored_frame import Array
from .connectivity import Groups, whole_molecules
from .groups import refuse_faulty_groups, targets_of_groups, types_of
from .template import SHAPES, Shape, Template, make_template, superpositions

# root mean square deviation from the template, in radii of gyration, above which a molecule is no rigid body
_RIGID = 0.3


class EllipsoidMapping:
    r"""Map frames of atoms to ellipsoids, with one shape, mass and inertia for each type in all frames.

    The molecules of the first frame make a template for each type, :func:`make_template
    <anisoap_e3nn.data.coarse_graining.template.make_template>`. In each frame a molecule is superposed on its
    template, atom by atom. So its axes turn with its atoms from frame to frame, also where moments of inertia
    are equal, and flexible molecules keep one shape. Centres are centres of mass.

    Parameters
    ----------
    shape : "van-der-waals", "mass" or mapping from type to three lengths
        Semi-axes: of the atoms' van der Waals spheres, of the mass distribution (flat molecules have no
        thickness), or given for each type, the axis of the longest extent first.
    types : mapping from str to int, optional
        Type of each chemical formula in Hill order. By default all must have the same formula, and get type
        0.
    beads : sequence of sequences of int, optional
        Several ellipsoids for each molecule: positions of their atoms within the molecule, from 0. By default
        one for each molecule.
    dtype : torch.dtype, optional
        By default torch's default dtype.

    Attributes
    ----------
    templates : dict
        Template of each type, after the first frame.

    Raises
    ------
    ValueError
        If the shape is unknown.

    Examples
    --------
    >>> from ase.build import molecule
    >>> mapping = EllipsoidMapping()
    >>> mapping(molecule("C6H6")).semiaxes  # in Å: not flat
    tensor([[3.1815, 3.1815, 1.5852]])
    >>> mapping.templates[0].moments  # in u Å², of the atoms
    array([ 88.78...,  88.78..., 177.56...])
    """

    def __init__(
        self,
        shape: Shape | Mapping[int, Sequence[float]] = "van-der-waals",
        *,
        types: Mapping[str, int] | None = None,
        beads: Sequence[Sequence[int]] | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if not isinstance(shape, Mapping) and shape not in SHAPES:
            raise ValueError(
                f"shape is {shape!r}, expected one of {SHAPES} or a mapping from types to three lengths"
            )
        self.shape, self.types, self.beads = shape, types, beads
        self.dtype = dtype or torch.get_default_dtype()
        self.templates: dict[int, Template] = {}
        self._warned: set[str] = set()

    def __call__(self, atoms: Any) -> EllipsoidData:
        """Map one frame.

        Parameters
        ----------
        atoms : ase.Atoms
            Atoms with cell and periodicity, in the same order in all molecules of a type.

        Returns
        -------
        EllipsoidData
            Ellipsoids with `masses` ``(N,)`` and principal `moments` of inertia ``(N, 3)`` of the molecules,
            and with `energy`, `forces` and `torques` if the atoms have energies and forces; see
            :func:`~anisoap_e3nn.data.coarse_grain`.

        Raises
        ------
        ValueError
            If a formula has no type or a type no shape, molecules of one type have other elements or another
            order of atoms, beads do not fit the molecules, or a molecule is bonded to its own periodic image.

        Warns
        -----
        UserWarning
            If a molecule differs much from its template: an isomer, a mirror image or a flexible chain. If
            atoms are in no bead: their masses and forces are lost.
        """
        molecules, whole = whole_molecules(atoms)
        groups = molecules if self.beads is None else self._beads_of(molecules, len(atoms))
        of_groups = np.array(types_of(atoms, groups, self.types), dtype=np.int64)
        n = len(groups)
        centres, matrices = np.zeros((n, 3)), np.zeros((n, 3, 3))
        for type_ in np.unique(of_groups).tolist():
            members = np.flatnonzero(of_groups == type_)
            template, indices = self._template(type_, atoms, whole, [groups[k] for k in members])
            positions = whole[indices]  # -> [molecule, atom, 3]
            weights = template.masses / template.mass
            centres[members] = np.einsum("a,mai->mi", weights, positions)
            arms = positions - centres[members][:, None]
            to_body = superpositions(arms, template.positions, weights)
            self._warn_if_not_rigid(type_, np.einsum("mij,maj->mai", to_body, arms), weights)
            matrices[members] = to_body.transpose(0, 2, 1)
        of_types = [self.templates[t] for t in of_groups.tolist()]
        arrays = {
            "pos": centres,
            "semiaxes": np.array([x.semiaxes for x in of_types]).reshape(n, 3),
            "masses": np.array([x.mass for x in of_types]).reshape(n),
            "moments": np.array([x.moments for x in of_types]).reshape(n, 3),
            "cell": atoms.cell.array,
            **targets_of_groups(atoms, groups, whole, centres),
        }
        return EllipsoidData(
            orientations=matrices_to_quaternions(torch.from_numpy(matrices)).to(self.dtype),
            types=torch.from_numpy(of_groups),
            pbc=torch.tensor(atoms.pbc),
            **{name: torch.tensor(values, dtype=self.dtype) for name, values in arrays.items()},
        )

    def _beads_of(self, molecules: Groups, n_atoms: int) -> Groups:
        beads = [np.asarray(bead, dtype=np.int64) for bead in self.beads or ()]
        positions = np.concatenate([*beads, [0]])
        lowest, highest = int(positions.min()), int(positions.max())
        if lowest < 0:
            raise ValueError(f"beads contain position {lowest}, expected positions from 0")
        short = next((group for group in molecules if len(group) <= highest), None)
        if short is not None:
            raise ValueError(
                f"beads contain position {highest}, but the molecule of atom {short[0]} has {len(short)} "
                f"atoms; expected 0 to {len(short) - 1}"
            )
        groups = [molecule[bead] for molecule in molecules for bead in beads]
        refuse_faulty_groups(groups, n_atoms)
        n_lost = n_atoms - sum(map(len, groups))
        if n_lost:
            self._warn(
                "beads",
                f"{n_lost} of {n_atoms} atoms are in no bead, expected all of them: their masses and forces "
                "are lost, and what is left is no longer in balance; add them to beads",
            )
        return groups

    def _template(
        self, type_: int, atoms: Any, whole: Array, groups: Groups
    ) -> tuple[Template, Array]:
        """Template of a type, made if it is new, and indices of atoms ``(molecule, atom)``."""
        expected = self.templates[type_].numbers if type_ in self.templates else None
        expected = atoms.numbers[groups[0]] if expected is None else expected
        for group in groups:
            found = atoms.numbers[group]
            if not np.array_equal(found, expected):
                raise ValueError(
                    f"the molecule of atom {group[0]} has the atomic numbers {found.tolist()}, expected "
                    f"{expected.tolist()} in this order, as the first molecule of type {type_}; sort the "
                    "atoms, or give different types"
                )
        indices = np.stack(groups)
        if type_ not in self.templates:
            shape: Any = self.shape
            if isinstance(shape, Mapping):
                if type_ not in shape:
                    raise ValueError(f"found type {type_}, expected one of shape, {sorted(shape)}")
                shape = np.asarray(shape[type_], dtype=np.float64)
            first = atoms[groups[0]]
            self.templates[type_] = make_template(type_, first, whole[indices], shape)
        return self.templates[type_], indices

    def _warn_if_not_rigid(self, type_: int, turned: Array, weights: Array) -> None:
        body = self.templates[type_].positions
        deviations = np.sqrt(((turned - body) ** 2).sum(-1) @ weights)  # -> [molecule]
        size = float(np.sqrt((body**2).sum(-1) @ weights))
        if deviations.max() > _RIGID * size > 0:
            self._warn(
                "rigid",
                f"found a molecule of type {type_} whose atoms are {deviations.max():.2g} from those of the "
                f"first frame's average (radius of gyration {size:.2g}), expected nearly rigid molecules; "
                "give isomers and mirror images other types, and flexible chains several beads",
            )

    def _warn(self, about: str, message: str) -> None:
        """Warn once of each thing."""
        if about not in self._warned:
            self._warned.add(about)
            warnings.warn(message, stacklevel=4)


def iterate_mapped(
    path: str | PathLike[str],
    mapping: EllipsoidMapping,
    pbc: bool | Sequence[bool] | None = None,
) -> Iterator[EllipsoidData]:
    """Map a trajectory frame by frame, in memory independent of the number of frames.

    Parameters
    ----------
    path : str or PathLike
        File of atoms, in any format that ASE reads. LAMMPS dumps need the column `element`, or `mass`.
    mapping : EllipsoidMapping
        Its templates come from the first frame of the first file.
    pbc : bool or three bools, optional
        Which axes are periodic, instead of those that the file names.

    Yields
    ------
    EllipsoidData

    Raises
    ------
    ValueError
        As for :class:`EllipsoidMapping`. The message names the file and the frame.
    """
    return convert_frames(path, atoms_of_file(path, pbc), mapping)
