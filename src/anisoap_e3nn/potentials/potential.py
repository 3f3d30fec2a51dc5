"""Base class and protocols of potentials."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from ..data.mechanics import Mechanics
from ..graph import Edges
from ..layer import Layer


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
