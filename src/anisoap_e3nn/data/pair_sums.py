"""Energies, forces, torques and virial of frames, as sums over pairs of particles."""

from typing import Any

import torch
from torch import Tensor

from ..geometry.pair_coordinates import PairGradient
from ..graph import frame_index
from .mechanics import Mechanics


class PairSums:
    r"""Sums over pairs, collected from some pairs at a time.

    .. math::
        E_i = \sum_j \tfrac12 E_{ij}, \qquad
        f_i = \sum_j \frac{\partial E_{ij}}{\partial r_{ij}}, \qquad
        \tau_i = -\sum_j \frac{\partial E_{ij}}{\partial \theta_i}, \qquad
        W = -\sum_{ij} r_{ij} \otimes \frac{\partial E_{ij}}{\partial r_{ij}}

    Parameters
    ----------
    data : EllipsoidData or a Batch of them
        Frames of the particles.
    """

    def __init__(self, data: Any) -> None:
        self._data = data
        self._frames, n_frames = frame_index(data)
        n, zeros = len(data.types), data.pos.new_zeros
        self._energies, self._virial = zeros(n), zeros(n_frames, 9)
        self._forces, self._torques = zeros(3, n), zeros(3, n)

    def add(self, ends: Tensor, vectors: Tensor, values: Tensor, gradient: PairGradient) -> None:
        """Add some pairs.

        Parameters
        ----------
        ends : Tensor ``(2, pair)``, int64
            First and second particles.
        vectors : Tensor ``(3, pair)``
            From the first particle to the second, a length.
        values : Tensor ``(pair,)``
            Energies of the pairs.
        gradient : PairGradient
            Their derivatives.
        """
        both = ends.flatten()  # -> [2 · pair]
        pulls = torch.cat([gradient.vectors, -gradient.vectors], 1)
        turns = torch.cat([gradient.first_rotations, gradient.second_rotations], 1)
        self._energies.index_add_(0, both, (values / 2).repeat(2))
        self._forces.index_add_(1, both, pulls)
        self._torques.index_add_(1, both, -turns)
        dyads = (vectors[:, None] * gradient.vectors).flatten(0, 1)  # -> [9, pair]
        if self._virial.shape[0] == 1:
            self._virial -= dyads.sum(1)
        else:
            self._virial.index_add_(0, self._frames[ends[0]], -dyads.T)

    def mechanics(self) -> Mechanics:
        """The sums, with the energies of frames and the stress."""
        virial = self._virial.unflatten(1, (3, 3))
        virial = (virial + virial.mT) / 2
        return Mechanics.of_particles(
            self._data, self._energies, self._forces.T, self._torques.T, virial
        )
