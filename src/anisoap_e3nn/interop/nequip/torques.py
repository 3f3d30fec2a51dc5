"""Forces, stress and torques of nequip's energy models, by one backward pass."""

from typing import Any

import torch
from e3nn import o3
from nequip.data import AtomicDataDict
from nequip.nn import ForceStressOutput
from torch import Tensor

from ...geometry import torques_of_gradient
from .inputs import INPUT_IRREPS
from .keys import ORIENTATIONS, TORQUES


class ForceTorqueOutput(ForceStressOutput):  # type: ignore[misc]
    r"""Compute forces, virial and stress as nequip does, and torques.

    .. math::
        \tau_i = -\frac{\partial E}{\partial \theta_i}, \qquad R_i \to e^{[\theta_i]_\times} R_i

    in the space frame. The strain acts on positions and cell. It turns no orientation. All frames of a batch
    share one backward pass.

    Parameters
    ----------
    func : GraphModuleMixin
        Model of the energy, from nequip's data with ``orientations`` and ``semiaxes``.
    do_derivatives : bool
        Whether there is anything besides the energy.
    """

    def __init__(self, func: Any, do_derivatives: bool = True) -> None:
        super().__init__(func, do_derivatives)
        self.irreps_in.update(INPUT_IRREPS)  # what is not declared here, nequip drops
        self.irreps_out.update({**INPUT_IRREPS, TORQUES: o3.Irreps("1e")})

    def forward(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """Set ``forces``, ``torques``, ``virial``, and ``stress`` of frames with a cell.

        Raises
        ------
        NotImplementedError
            If edge vectors are given instead of positions, as by LAMMPS' ML-IAP, which has no orientations.
        """
        if not self.do_derivatives:
            return self.func(data)
        if AtomicDataDict.EDGE_VECTORS_KEY in data:
            raise NotImplementedError(
                "found edge vectors in the data, expected positions: ML-IAP of LAMMPS has no orientations; "
                "use AniSOAPNequIPCalculator"
            )
        positions, orientations = data[AtomicDataDict.POSITIONS_KEY], data[ORIENTATIONS]
        n_frames = AtomicDataDict.num_frames(data) if AtomicDataDict.BATCH_KEY in data else 1
        leaves = [positions, positions.new_zeros(n_frames, 3, 3), orientations]
        for leaf in leaves:
            leaf.requires_grad_(True)
        cell = data.get(AtomicDataDict.CELL_KEY)
        self._apply_strain(data, 0.5 * (leaves[1] + leaves[1].transpose(1, 2)))
        data = self.func(data)
        energy = data[AtomicDataDict.TOTAL_ENERGY_KEY].sum()
        d_positions, d_strain, d_orientations = torch.autograd.grad(
            [energy], leaves, create_graph=self.training
        )
        data[AtomicDataDict.FORCE_KEY] = -d_positions  # -> [particle, 3]
        data[TORQUES] = torques_of_gradient(orientations, d_orientations)  # -> [particle, 3]
        data[AtomicDataDict.VIRIAL_KEY] = -d_strain  # -> [frame, 3, 3]
        if cell is not None:
            data[AtomicDataDict.CELL_KEY] = cell
            data[AtomicDataDict.STRESS_KEY] = _per_volume(d_strain, cell)  # -> [frame, 3, 3]
        return data

    def _apply_strain(self, data: dict[str, Tensor], strain: Tensor) -> None:
        """Replace positions and cells by r (1 + ε) and h (1 + ε)."""
        positions = data[AtomicDataDict.POSITIONS_KEY]
        if AtomicDataDict.BATCH_KEY in data:
            of_particles = strain.index_select(0, data[AtomicDataDict.BATCH_KEY])
            moved = torch.bmm(positions[:, None], of_particles)[:, 0]  # -> [particle, 3]
        else:
            moved = positions @ strain[0]  # -> [particle, 3]
        data[AtomicDataDict.POSITIONS_KEY] = positions + moved
        if AtomicDataDict.CELL_KEY in data:
            cell = data[AtomicDataDict.CELL_KEY].view(-1, 3, 3)
            data[AtomicDataDict.CELL_KEY] = cell + cell @ strain  # -> [frame, 3, 3]


def _per_volume(d_strain: Tensor, cell: Tensor) -> Tensor:
    """Derivatives over the cells' volumes; NaN, which nequip's metrics can ignore, without a volume."""
    volume = torch.linalg.det(cell.view(-1, 3, 3)).abs()[:, None, None]  # -> [frame, 1, 1]
    # divided by 1 where there is none: 1/0 would poison the gradients of all frames
    stress = d_strain / torch.where(volume > 0, volume, torch.ones_like(volume))
    return torch.where(volume > 0, stress, torch.full_like(stress, float("nan")))
