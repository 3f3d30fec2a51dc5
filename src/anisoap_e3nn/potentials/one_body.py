"""Energies that particles have by themselves."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..data.mechanics import Mechanics
from ..graph import Edges, frame_index
from ..hyperparameters import HyperparameterModule
from ..particle_types import TypeIndex
from ..tensor_arguments import check_data
from .potential import Design, Potential


class OneBodyPotential(HyperparameterModule, Potential):
    r"""An energy for each type, :math:`E_i = w_{t_i}`: no forces, no neighbours.

    Parameters
    ----------
    types : sequence of int
        The particle types that occur.

    Attributes
    ----------
    weights : Parameter ``(types,)``
        The energies; zero at first.

    Raises
    ------
    ValueError
        For types that are not different.

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
        """Energies of the particles ``(N,)``; no edges are looked at."""
        check_data(data)
        return self.weights[self.type_index(data.types)]

    def derivatives(self, data: Any, edges: Edges | None = None) -> Mechanics:
        """Energies, and zeros."""
        zeros = torch.zeros_like(data.pos)
        _, n_frames = frame_index(data)
        virial = zeros.new_zeros(n_frames, 3, 3)
        return Mechanics.of_particles(data, self(data), zeros, zeros, virial)

    def design(self, data: Any, edges: Edges | None = None) -> Design:
        """How many particles of each type there are in each frame, and zeros."""
        frames, n_frames = frame_index(data)
        of_particles = torch.nn.functional.one_hot(self.type_index(data.types), len(self.types))
        zeros = data.pos.new_zeros(len(frames), 3, len(self.types))
        counts = data.pos.new_zeros(n_frames, len(self.types))
        return Design(counts.index_add(0, frames, of_particles.to(counts)), zeros, zeros)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(types={self.types})"
