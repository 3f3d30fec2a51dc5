"""One-body potential: an energy for each particle type."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..graph import Edges, frame_index
from ..hyperparameters import HyperparameterModule
from ..particle_types import TypeIndex
from .potential import Design, Mechanics, Potential


class OneBodyPotential(HyperparameterModule, Potential):
    r"""One-body potential: an energy for each type, :math:`E_i = w_{t_i}`, without forces.

    Parameters
    ----------
    types : sequence of int
        Particle types.

    Attributes
    ----------
    weights : Parameter ``(types,)``
        Energies of the types, initially zero.

    Raises
    ------
    ValueError
        If types are repeated.

    Examples
    --------
    >>> OneBodyPotential([1, 6])
    OneBodyPotential(types=[1, 6])
    """

    cutoff = None

    def __init__(self, types: Sequence[int]) -> None:
        super().__init__()
        self.type_index = TypeIndex(types, "this one-body potential")
        self.types = self.type_index.types
        self.hyperparameters = {"types": self.types}
        self.weights = torch.nn.Parameter(torch.zeros(len(self.types)))

    @property
    def linear_weights(self) -> Tensor:
        return self.weights

    def forward(self, data: Any, edges: Edges | None = None) -> Tensor:
        """Energies of the particles ``(N,)``. Edges are ignored."""
        return self.weights[self.type_index(data.types)]

    def derivatives(self, data: Any, edges: Edges | None = None) -> Mechanics:
        """Energies of the particles; forces, torques and virial are zero."""
        zeros = torch.zeros_like(data.pos)
        _, n_frames = frame_index(data)
        virial = zeros.new_zeros(n_frames, 3, 3)
        return Mechanics.of_particles(data, self(data), zeros, zeros, virial)

    def design(self, data: Any, edges: Edges | None = None) -> Design:
        """Number of particles of each type in each frame; forces and torques are zero."""
        frames, n_frames = frame_index(data)
        of_particles = torch.nn.functional.one_hot(self.type_index(data.types), len(self.types))
        zeros = data.pos.new_zeros(len(frames), 3, len(self.types))
        counts = data.pos.new_zeros(n_frames, len(self.types))
        return Design(counts.index_add(0, frames, of_particles.to(counts)), zeros, zeros)

    def __repr__(self) -> str:
        return f"OneBodyPotential(types={self.types})"
