"""ASE calculator for MACE models of ellipsoids."""

from typing import Any

import torch
from mace.calculators import MACECalculator

from ...data.files.stored_frame import Array
from ..ellipsoid_arrays import changed_shapes, fault_of_arrays, fault_of_cell


class AniSOAPMACECalculator(MACECalculator):  # type: ignore[misc]
    """MACE's ASE calculator for ellipsoids: also reads orientations and semi-axes, and gives torques.

    Atoms carry the arrays ``orientations`` ``(N, 4)``, quaternions (w, x, y, z) from body to space, and
    ``semiaxes`` ``(N, 3)``. ``get_property("torques", atoms)`` gives the torques ``(N, 3)`` about the centres
    in the space frame.

    Parameters
    ----------
    model_paths, models, device, default_dtype, **options
        As for MACE's ``MACECalculator``: the ``.model`` files that ``anisoap-e3nn mace-train`` wrote. Of
        several models the results are means.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        arrays = {"orientations": "orientations", "semiaxes": "semiaxes"}
        super().__init__(*args, arrays_keys=arrays, **options)
        self.implemented_properties: list[str] = [*self.implemented_properties, "torques"]
        self._torques: list[torch.Tensor] = []
        for model in self.models:
            model.register_forward_hook(self._keep_torques)

    def calculate(self, atoms: Any = None, *args: Any, **options: Any) -> None:
        """Compute all properties and store them in `results`.

        Raises
        ------
        ValueError
            If an array is missing or faulty, or the cell is.
        """
        atoms = self.atoms if atoms is None else atoms
        fault = fault_of_arrays(atoms.arrays, len(atoms), ("orientations", "semiaxes"))
        fault = fault or fault_of_cell(atoms.cell.array, atoms.pbc)
        if fault:
            raise ValueError(f"atoms: {fault}")
        self._torques.clear()
        super().calculate(atoms, *args, **options)
        torques: Array = torch.stack(self._torques).mean(0).cpu().numpy()
        self.results["torques"] = self.energy_units_to_eV * torques

    def check_state(self, atoms: Any, tol: float = 1e-15) -> list[str]:
        """Names of quantities that changed since the last calculation, orientations and sizes included."""
        changes: list[str] = super().check_state(atoms, tol)
        if self.atoms is not None:
            changes += changed_shapes(self.atoms.arrays, atoms.arrays)
        return changes

    def _keep_torques(self, model: Any, inputs: Any, out: dict[str, Any]) -> None:
        self._torques.append(out["torques"].detach())
