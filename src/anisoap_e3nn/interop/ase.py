"""Calculator for ASE."""

import copy
from collections.abc import Sequence
from os import PathLike

import numpy as np
import torch
from typing_extensions import Unpack

from ..data.files.ase_files import frame_of
from ..data.files.spelling import Spelling, SpellingOptions
from ..data.files.stored_frame import Array
from ..potentials import load_model
from ..simulation import ForceField
from .ellipsoid_arrays import changed_shapes

try:
    from ase import Atoms
    from ase.calculators.calculator import Calculator, all_changes
    from ase.geometry import complete_cell
    from ase.outputs import Properties
    from ase.stress import full_3x3_to_voigt_6_stress
except ImportError as error:
    raise ImportError('ASE cannot be imported: pip install "anisoap-e3nn[ase]"') from error

_LOWEST_CELL = 1 / 50  # of the cutoff, which then contains a million images


class AniSOAPCalculator(Calculator):  # type: ignore[misc]
    """ASE calculator for rigid ellipsoids: energies, forces, torques and stress of a model.

    Types are atomic numbers (ASE's X is 0). Orientations and sizes are arrays of the atoms, with the names
    that :func:`~anisoap_e3nn.data.read_ellipsoids` knows, such as ``c_q`` and ``c_diameter[1]`` to ``[3]``,
    or ``quaternions`` and ``semiaxes``. Atoms without orientations are spheres. Units are those of the model.

    Parameters
    ----------
    model : Module, or path of a checkpoint
        From data to energies of the particles ``(N,)``, such as a
        :class:`~anisoap_e3nn.potentials.StackedPotential`, another potential or a network; or the path of a
        checkpoint of :func:`~anisoap_e3nn.potentials.save_model`. A model is copied, so later training does
        not affect the calculator.
    skin : float, optional
        Skin of the Verlet list, a length ≥ 0; by default a tenth of the cutoff. It affects the speed, not the
        results.
    device : device, optional
        Device of the calculation; by default that of the model.
    dtype : torch.dtype, optional
        Dtype of the calculation; by default that of the model.
    **options
        `semiaxes`, `stored_sizes`, `quaternion_order` and `space_to_body`: conventions of the arrays where
        their names do not tell them, as for :func:`~anisoap_e3nn.data.read_ellipsoids`.

    Raises
    ------
    TypeError
        If the model is neither a Module nor a path.
    ValueError
        If a checkpoint cannot be read. In a calculation, if the model does not know a type, sizes or
        orientations are missing, or the cell is flat or lower than a fiftieth of the cutoff.

    Notes
    -----
    `results` and ``get_property`` provide `energy`, `free_energy` (the same), `energies` ``(N,)``, `forces`
    ``(N, 3)``, `torques` ``(N, 3)`` about the centres in the space frame, and, if the cell has a volume,
    `stress` ``(6,)`` in Voigt order. ASE's optimizers and dynamics move atoms but do not turn them; use
    :mod:`anisoap_e3nn.simulation` instead. ASE does not write torques to files; to keep them, store them as
    an array of the atoms.

    Examples
    --------
    >>> from ase import Atoms
    >>> from anisoap_e3nn.gay_berne import triaxial_gay_berne
    >>> dimer = Atoms("X2", [[0, 0, 0], [1.2, 0.3, 0.4]])
    >>> dimer.set_array("quaternions", np.array([[1.0, 0, 0, 0], [0.9, 0.1, 0.3, 0]]))
    >>> dimer.calc = AniSOAPCalculator(triaxial_gay_berne(cutoff=4.0), semiaxes=[0.5, 0.75, 1.0])
    >>> forces, torques = dimer.get_forces(), dimer.calc.results["torques"]
    >>> balance = np.cross(dimer.positions, forces).sum(0) + torques.sum(0)
    >>> bool(np.abs(balance).max() < 1e-12)
    True
    """

    implemented_properties = [  # noqa: RUF012, as ASE has it
        "energy", "energies", "free_energy", "forces", "torques", "stress"
    ]  # fmt: skip

    def __init__(
        self,
        model: torch.nn.Module | str | PathLike[str],
        *,
        skin: float | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **options: Unpack[SpellingOptions],
    ) -> None:
        super().__init__()
        self.spelling = Spelling(**options)
        if isinstance(model, torch.nn.Module):
            model = copy.deepcopy(model)
        elif isinstance(model, str | PathLike):
            model = load_model(model)
        else:
            raise TypeError(f"model is {model!r}, expected a Module or the path of a checkpoint")
        model = model.to(device=device, dtype=dtype).eval().requires_grad_(False)
        of_model = _device_and_dtype(model)
        self.device = of_model[0] if device is None else torch.device(device)
        self.dtype = dtype or of_model[1]
        self.force_field = ForceField(model, skin)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Compute all properties and store them in `results`."""
        super().calculate(atoms, properties, system_changes)
        self.results = {}
        data = self.spelling.ellipsoids_of(frame_of(self.atoms), self.dtype)
        _refuse_low_cell(self.atoms, self.force_field.cutoff)
        result = self.force_field(data.to(self.device))
        arrays = {name: x.cpu().double().numpy() for name, x in result._asdict().items()}
        energy = float(arrays["energy"][0])
        self.results = {
            "energy": energy,
            "free_energy": energy,
            "energies": arrays["energies"],
            "forces": arrays["forces"],
            "torques": arrays["torques"],
        }
        if self.atoms.cell.rank == 3:
            self.results["stress"] = full_3x3_to_voigt_6_stress(arrays["stress"][0])

    def check_state(self, atoms: Atoms, tol: float = 1e-15) -> list[str]:
        """Names of quantities that changed since the last calculation, orientations and sizes included."""
        changes: list[str] = super().check_state(atoms, tol)
        if self.atoms is not None:
            changes += changed_shapes(self.atoms.arrays, atoms.arrays)
        return changes

    def get_torques(self, atoms: Atoms | None = None) -> Array:
        """Torques ``(N, 3)`` about the centres of the atoms, in the space frame."""
        torques: Array = self.get_property("torques", atoms)
        return torques

    def export_properties(self) -> Properties:
        """Results that ASE has names for."""
        return Properties({name: x for name, x in self.results.items() if name != "torques"})


def _device_and_dtype(model: torch.nn.Module) -> tuple[torch.device, torch.dtype]:
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point():
            return tensor.device, tensor.dtype
    return torch.device("cpu"), torch.get_default_dtype()


def _refuse_low_cell(atoms: Atoms, cutoff: float | None) -> None:
    periodic = np.flatnonzero(atoms.pbc)
    if cutoff is None or not len(periodic):
        return
    lattice = complete_cell(np.where(atoms.pbc[:, None], atoms.cell.array, 0.0))
    heights = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)[periodic]
    if heights.min() < _LOWEST_CELL * cutoff:
        raise ValueError(
            f"the height of the cell along axis {periodic[heights.argmin()]} is {heights.min():.3g}, "
            f"expected at least a fiftieth of the cutoff, {cutoff}; check the unit of the cell, and pbc"
        )
