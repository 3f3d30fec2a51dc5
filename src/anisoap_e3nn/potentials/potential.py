"""Base class and protocols of potentials, and the results of their evaluation."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from ..graph import Edges, frame_index
from ..layer import Layer


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


class Design(NamedTuple):
    """Design matrix: derivatives of energies, forces and torques with respect to linear weights."""

    energy: Tensor  # [frame, weight]
    forces: Tensor  # [particle, 3, weight]
    torques: Tensor  # [particle, 3, weight], in the space frame


class Potential(Layer, ABC):
    """Base class of potentials: energies of particles from their neighbours within a cutoff.

    For your own potential write :meth:`forward`. :func:`~anisoap_e3nn.potentials.mechanics` derives forces,
    torques and virial by autograd. A potential with the methods of :class:`Analytic` provides them itself.
    One with those of :class:`Linear` can be fitted by least squares. For
    :func:`~anisoap_e3nn.potentials.save_model`, set `hyperparameters`, the arguments of the constructor.

    Attributes
    ----------
    cutoff : float or None
        Cutoff of the neighbours, a length; None if the potential needs no neighbours.
    """

    cutoff: float | None

    @abstractmethod
    def forward(self, data: Any, edges: Edges | None = None) -> Tensor:
        """Energies of the particles.

        Parameters
        ----------
        data : EllipsoidData or a Batch of them
            One or more frames.
        edges : Edges, optional
            Edges within `cutoff`; by default those of :func:`~anisoap_e3nn.graph.edges_of`.

        Returns
        -------
        Tensor ``(N,)``
            Energies, differentiable in positions, orientations, semi-axes, cell and parameters.
        """


@runtime_checkable
class Analytic(Protocol):
    """Protocol of potentials with analytic forces, torques and virial."""

    def derivatives(self, data: Any, edges: Edges | None = None) -> Mechanics:
        """Energies, forces, torques in the space frame, virial and stress.

        Arguments are those of :meth:`Potential.forward`. The result is differentiable in the parameters.
        """


@runtime_checkable
class Linear(Protocol):
    """Protocol of potentials whose energies are linear in their weights."""

    @property
    def linear_weights(self) -> Tensor | None:
        """Weights of the potential; None if its energies are not linear in them."""

    def design(self, data: Any, edges: Edges | None = None) -> Design:
        """Design matrix for the flattened `linear_weights`; arguments as for :meth:`Potential.forward`."""


def _stress(virial: Tensor, cell: Tensor) -> Tensor:
    """Stress, the negative virial per volume ``(frame, 3, 3)``; zero for frames without a volume."""
    a, b, c = cell.unbind(1)
    volumes = (a * torch.linalg.cross(b, c)).sum(1).abs()[:, None, None]  # -> [frame, 1, 1]
    return torch.where(volumes > 0, -virial / volumes.where(volumes > 0, 1), 0)
