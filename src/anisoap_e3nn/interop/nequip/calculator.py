"""ASE calculator for nequip's models of ellipsoids."""

from os import PathLike
from typing import Any

import numpy as np
from nequip.data import AtomicDataDict, from_ase
from nequip.integrations.ase import NequIPCalculator
from torch import Tensor

from ...data.files.stored_frame import tells_shape
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
            If an array is missing, or the orientation of a particle has no direction.
        """
        for name, width in ((ORIENTATIONS, 4), (SEMIAXES, 3)):
            values = atoms.arrays.get(name)
            if values is None or values.shape != (len(atoms), width):
                found = "no such array" if values is None else f"shape {values.shape}"
                raise ValueError(
                    f"atoms.arrays[{name!r}]: found {found}, expected ({len(atoms)}, {width}); "
                    f"set it with atoms.set_array({name!r}, ...)"
                )
        zero = np.flatnonzero((atoms.arrays[ORIENTATIONS] == 0).all(1))
        if len(zero):
            raise ValueError(
                f"orientations[{zero[0]}] is the zero quaternion, expected a rotation; the identity is "
                "(1, 0, 0, 0)"
            )
        data = from_ase(atoms, include_keys=[ORIENTATIONS, SEMIAXES])
        for transform in self.transforms:
            data = transform(data)
        return AtomicDataDict.to_(data, self.device)

    def check_state(self, atoms: Any, tol: float = 1e-15) -> list[str]:
        """Names of quantities that changed since the last calculation, orientations and sizes included."""
        changes: list[str] = super().check_state(atoms, tol)
        if self.atoms is not None:
            before, now = self.atoms.arrays, atoms.arrays
            changes += [
                name
                for name in filter(tells_shape, {**before, **now})
                if not np.array_equal(before.get(name, ()), now.get(name, ()))
            ]
        return changes

    def save_extra_outputs(self, out: dict[str, Tensor]) -> None:
        """Keep the torques."""
        if TORQUES in out:
            self.results[TORQUES] = self.energy_units_to_eV * out[TORQUES].detach().cpu().numpy()
