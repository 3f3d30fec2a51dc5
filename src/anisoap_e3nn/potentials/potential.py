"""The interface of potentials: energies of particles, and what they may know besides."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from ..graph import Edges, frame_index


class Mechanics(NamedTuple):
    """Energies and their derivatives; see :func:`~anisoap_e3nn.potentials.mechanics`."""

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
        """Complete the result with energies of frames and stress.

        Parameters
        ----------
        data : EllipsoidData or a Batch of them
        energies, forces, torques : Tensor ``(N,)``, ``(N, 3)``, ``(N, 3)``
            Torques along the axes of space.
        virial : Tensor ``(frame, 3, 3)``
        """
        frames, n_frames = frame_index(data)
        energy = energies.new_zeros(n_frames).index_add(0, frames, energies)  # -> [frame]
        return cls(energy, forces, torques, virial, _stress(virial, data.cell), energies)


class Design(NamedTuple):
    """Derivatives of energies, forces and torques with respect to the weights of a linear potential."""

    energy: Tensor  # [frame, weight]
    forces: Tensor  # [particle, 3, weight]
    torques: Tensor  # [particle, 3, weight], along the axes of space


class Potential(torch.nn.Module, ABC):
    """Base class of potentials: energies of particles that see neighbours up to a cutoff.

    Write :meth:`forward`. :func:`~anisoap_e3nn.potentials.mechanics` derives forces, torques and virial from
    it by autograd; a potential with derivatives of its own is also :class:`Analytic`, and one that least
    squares can fit is :class:`Linear`. For :func:`~anisoap_e3nn.potentials.save_model`, set
    `hyperparameters`, the arguments of the constructor.

    Attributes
    ----------
    cutoff : float or None
        A length; None if the potential needs no neighbours.
    """

    cutoff: float | None

    @abstractmethod
    def forward(self, data: Any, edges: Edges | None = None) -> Tensor:
        """Energies of the particles.

        Parameters
        ----------
        data : EllipsoidData or a Batch of them
        edges : Edges, optional
            Up to `cutoff`; by default :func:`~anisoap_e3nn.graph.edges_of` the data.

        Returns
        -------
        Tensor ``(N,)``
            Differentiable in positions, orientations, semi-axes, cell and parameters.
        """


@runtime_checkable
class Analytic(Protocol):
    """Potentials with forces, torques and virial of their own, without autograd."""

    def derivatives(self, data: Any, edges: Edges | None = None) -> Mechanics:
        """Energies, forces, torques along the axes of space, virial and stress.

        The arguments are those of :meth:`Potential.forward`. The result is differentiable in the parameters.
        """


@runtime_checkable
class Linear(Protocol):
    """Potentials with energies linear in their weights, and their design matrix."""

    @property
    def linear_weights(self) -> Tensor | None:
        """Weights that the energies are linear in; None if they are not linear."""

    def design(self, data: Any, edges: Edges | None = None) -> Design:
        """Derivatives with respect to `linear_weights`, flattened; arguments as :meth:`Potential.forward`."""


def _stress(virial: Tensor, cell: Tensor) -> Tensor:
    """The virial per volume with its sign changed ``(frame, 3, 3)``; zero where there is no volume."""
    a, b, c = cell.unbind(1)
    volumes = (a * torch.linalg.cross(b, c)).sum(1).abs()[:, None, None]  # -> [frame, 1, 1]
    return torch.where(volumes > 0, -virial / volumes.where(volumes > 0, 1), 0)
