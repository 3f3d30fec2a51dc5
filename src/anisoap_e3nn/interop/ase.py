"""A calculator for ASE."""

import copy
from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np
import torch

from ..data.files.ase_files import frame_of
from ..data.files.spelling import Size, Spelling
from ..data.files.stored_frame import Array, QuaternionOrder, StoredSizes, tells_shape
from ..potentials import load_model
from ..simulation import ForceField

try:
    from ase import Atoms
    from ase.calculators.calculator import Calculator, all_changes
    from ase.geometry import complete_cell
    from ase.outputs import Properties
    from ase.stress import full_3x3_to_voigt_6_stress
except ImportError as error:
    raise ImportError('no ASE here: pip install "anisoap-e3nn[ase]"') from error

_LOWEST_CELL = 1 / 50  # of the cutoff; there are a million images within it then


class AniSOAPCalculator(Calculator):  # type: ignore[misc]
    """ASE's atoms as rigid ellipsoids: energies, forces, torques and stress by a model.

    Types are atomic numbers (ASE's X is 0). Orientations and sizes are arrays of the atoms, under every
    name that :func:`~anisoap_e3nn.data.read_ellipsoids` knows, such as ``c_q`` and ``c_diameter[1]`` to
    ``[3]``, or ``quaternions`` and ``semiaxes``; without orientations, atoms are spheres. Units are those of
    the model.

    Parameters
    ----------
    model : Module, or path of a checkpoint
        From data to energies of the particles ``(N,)``, such as a
        :class:`~anisoap_e3nn.potentials.StackedPotential`, one of its components, or a network; or where
        :func:`~anisoap_e3nn.potentials.save_model` wrote it. It is copied, so that training goes on without
        consequences.
    skin : float, optional
        A length, ≥ 0: neighbours are searched for again when an atom has moved half of it; by default a
        tenth of the cutoff. It changes the speed, not the results.
    device : device, optional
        Where to compute; by default where the model is.
    dtype : torch.dtype, optional
        In which; by default that of the model.
    semiaxes, stored_sizes, quaternion_order, space_to_body
        What the arrays mean where their names do not say it, as for
        :func:`~anisoap_e3nn.data.read_ellipsoids`.

    Raises
    ------
    ValueError
        For bad checkpoints; when calculating, for types that the model does not know, sizes or orientations
        that are missing, and cells that are flat, or lower than a fiftieth of the cutoff.

    Notes
    -----
    `results`, and ``get_property``, have `energy`, `free_energy` (the same), `energies` ``(N,)``, `forces`
    ``(N, 3)``, `torques` ``(N, 3)`` about the centres, along the axes of space, and where the cell has a
    volume `stress` ``(6,)``, in Voigt's order. ASE's optimizers and dynamics move atoms, but do not turn
    them: for that see :mod:`anisoap_e3nn.simulation`. ASE knows no torques; to write them to a file, put
    them into an array of the atoms.

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
        semiaxes: Size | Mapping[int, Size] | None = None,
        stored_sizes: StoredSizes | None = None,
        quaternion_order: QuaternionOrder | None = None,
        space_to_body: bool = False,
    ) -> None:
        super().__init__()
        self.spelling = Spelling(semiaxes, stored_sizes, quaternion_order, space_to_body)
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
        """All properties at once, into `results`."""
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
        """What has changed since the last calculation, orientations and sizes included."""
        changes: list[str] = super().check_state(atoms, tol)
        if self.atoms is not None:
            before, now = _shapes(self.atoms), _shapes(atoms)
            changes += [
                name
                for name in sorted(before.keys() | now.keys())
                if not np.array_equal(before.get(name, ()), now.get(name, ()))
            ]
        return changes

    def get_torques(self, atoms: Atoms | None = None) -> Array:
        """Torques ``(N, 3)`` about the centres of the atoms, along the axes of space."""
        torques: Array = self.get_property("torques", atoms)
        return torques

    def export_properties(self) -> Properties:
        """The results that ASE has names for."""
        return Properties({name: x for name, x in self.results.items() if name != "torques"})


def _shapes(atoms: Atoms) -> dict[str, Array]:
    return {name: values for name, values in atoms.arrays.items() if tells_shape(name)}


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
            f"the cell is {heights.min():.3g} high along axis {periodic[heights.argmin()]}, less than a "
            f"fiftieth of the cutoff, {cutoff}: too many images are neighbours; check its unit, and pbc"
        )
