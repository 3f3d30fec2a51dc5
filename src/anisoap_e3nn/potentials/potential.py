"""What the parts of a stacked potential have in common."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from ..graph import Edges


class Component(torch.nn.Module, ABC):
    """A part of an energy, which sees neighbours up to a cutoff of its own.

    Attributes
    ----------
    cutoff : float or None
        A length; None if it needs no neighbours.
    """

    cutoff: float | None

    @abstractmethod
    def forward(self, data: Any, edges: Edges | None = None) -> Tensor:
        """Energies of the particles.

        Parameters
        ----------
        data : EllipsoidData or a Batch of them
        edges : Edges, optional
            Up to `cutoff`; without them they are searched for.

        Returns
        -------
        Tensor ``(N,)``
            Differentiable in positions, orientations, semi-axes, cell and parameters.
        """


class Derivatives(NamedTuple):
    """Energies of a component with what :class:`Mechanics` derives from them."""

    energies: Tensor  # [particle]
    forces: Tensor  # [particle, 3]
    torques: Tensor  # [particle, 3], in the space frame
    virial: Tensor  # [frame, 3, 3]


@runtime_checkable
class Analytic(Protocol):
    """Components that need no autograd for their forces."""

    def derivatives(self, data: Any, edges: Edges | None = None) -> Derivatives:
        """Energies, forces, torques and virial; differentiable in the parameters."""


class Design(NamedTuple):
    """What each weight of a linear component contributes to energies, forces and torques."""

    energy: Tensor  # [frame, weight]
    forces: Tensor  # [particle, 3, weight]
    torques: Tensor  # [particle, 3, weight], in the space frame


@runtime_checkable
class Linear(Protocol):
    """Components whose energies are linear in their weights, and known to be by :meth:`design`."""

    @property
    def linear_weights(self) -> Tensor | None:
        """All that the energies are linear in; None if they are not."""

    def design(self, data: Any, edges: Edges | None = None) -> Design:
        """The derivatives of energies, forces and torques with respect to `linear_weights`, flattened."""
