"""ASE calculator for nequip's models of ellipsoids."""

from os import PathLike
from typing import Any

from nequip.data import AtomicDataDict, from_ase
from nequip.integrations.ase import NequIPCalculator
from torch import Tensor

from ..ellipsoid_arrays import changed_shapes, fault_of_arrays, fault_of_cell
from .fields import ELLIPSOIDS
from .keys import ORIENTATIONS, SEMIAXES, TORQUES


class AniSOAPNequIPCalculator(NequIPCalculator):  # type: ignore[misc]
    """nequip's ASE calculator for ellipsoids: also reads orientations and semi-axes, and gives torques.

    Atoms carry the arrays ``orientations`` ``(N, 4)``, quaternions (w, x, y, z) from body to space, and
    ``semiaxes`` ``(N, 3)``. ``get_property("torques", atoms)`` gives the torques ``(N, 3)`` about the centres
    in the space frame. Make one with

    - ``from_compiled_model(path)`` of a file of ``nequip-compile --target ellipsoids``;
    - :meth:`from_saved_model` of a checkpoint of ``nequip-train`` or a package of ``nequip-package``.

    Both take ``chemical_species_to_atom_type_map``, for example ``{"X": "E"}``, and nequip's other options.
    """

    implemented_properties = [*NequIPCalculator.implemented_properties, TORQUES]  # noqa: RUF012

    @classmethod
    def _get_aoti_compile_target(cls) -> dict[str, Any]:
        return ELLIPSOIDS

    @classmethod
    def from_saved_model(
        cls, path: str | PathLike[str], **options: Any
    ) -> "AniSOAPNequIPCalculator":
        """Make a calculator from a checkpoint or a package.

        Parameters
        ----------
        path : str or PathLike
            File of ``nequip-train`` (``.ckpt``) or ``nequip-package`` (``.nequip.zip``).
        **options
            `device`, `chemical_species_to_atom_type_map` and nequip's other options.
        """
        calculator: AniSOAPNequIPCalculator = cls._from_saved_model(path, **options)
        return calculator

    def atoms_to_data(self, atoms: Any) -> dict[str, Tensor]:
        """Convert atoms to nequip's data, on the device of the model.

        Raises
        ------
        ValueError
            If an array is missing or faulty, or the cell is.
        """
        fault = fault_of_arrays(atoms.arrays, len(atoms), (ORIENTATIONS, SEMIAXES))
        fault = fault or fault_of_cell(atoms.cell.array, atoms.pbc)
        if fault:
            raise ValueError(f"atoms: {fault}")
        data = from_ase(atoms, include_keys=[ORIENTATIONS, SEMIAXES])
        for transform in self.transforms:
            data = transform(data)
        return AtomicDataDict.to_(data, self.device)

    def check_state(self, atoms: Any, tol: float = 1e-15) -> list[str]:
        """Names of quantities that changed since the last calculation, orientations and sizes included."""
        changes: list[str] = super().check_state(atoms, tol)
        if self.atoms is not None:
            changes += changed_shapes(self.atoms.arrays, atoms.arrays)
        return changes

    def save_extra_outputs(self, out: dict[str, Tensor]) -> None:
        """Keep the torques."""
        if TORQUES in out:
            self.results[TORQUES] = self.energy_units_to_eV * out[TORQUES].detach().cpu().numpy()
