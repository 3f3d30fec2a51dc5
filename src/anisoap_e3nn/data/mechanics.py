"""Energies and their derivatives."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..graph import frame_index


class Mechanics(NamedTuple):
    """Energies and their derivatives, the result of :func:`~anisoap_e3nn.potentials.mechanics`."""

    energy: Tensor  # [frame]
    forces: Tensor  # [particle, 3], energy / length
    torques: Tensor  # [particle, 3], energy
    virial: Tensor  # [frame, 3, 3], energy
    stress: Tensor  # [frame, 3, 3], energy / volume
    energies: Tensor  # [particle]

    @classmethod
    def of_particles(
        cls, data: Any, energies: Tensor, forces: Tensor, torques: Tensor, virial: Tensor
    ) -> "Mechanics":
        """Complete a result with the energies of frames and the stress.

        Parameters
        ----------
        data : EllipsoidData or a Batch of them
            Frames that the result belongs to.
        energies, forces, torques : Tensor ``(N,)``, ``(N, 3)``, ``(N, 3)``
            Values of the particles; torques are in the space frame.
        virial : Tensor ``(frame, 3, 3)``
            Virial of each frame, an energy.
        """
        frames, n_frames = frame_index(data)
        energy = energies.new_zeros(n_frames).index_add(0, frames, energies)  # -> [frame]
        return cls(energy, forces, torques, virial, _stress(virial, data.cell), energies)


def _stress(virial: Tensor, cell: Tensor) -> Tensor:
    """Stress, the negative virial per volume ``(frame, 3, 3)``; zero for frames without a volume."""
    a, b, c = cell.unbind(1)
    volumes = (a * torch.linalg.cross(b, c)).sum(1).abs()[:, None, None]  # -> [frame, 1, 1]
    return torch.where(volumes > 0, -virial / volumes.where(volumes > 0, 1), 0)
