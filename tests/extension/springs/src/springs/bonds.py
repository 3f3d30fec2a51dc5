"""Springs between neighbours."""

from typing import Any

import torch
from torch import Tensor

from anisoap_e3nn.graph import Edges, edges_of, frame_index
from anisoap_e3nn.nn import PolynomialCutoff
from anisoap_e3nn.potentials import Design, Potential


class HarmonicBonds(Potential):
    r"""Springs between all neighbours, linear in their weights.

    .. math:: E_i = \tfrac12 \sum_j f(r_{ij}) (w_0 + w_1 r_{ij} + w_2 r_{ij}^2)

    Parameters
    ----------
    cutoff : float
        A length, at which the springs have faded.

    Attributes
    ----------
    weights : Parameter ``(3,)``
        Energies, per length and per length squared.
    """

    def __init__(self, cutoff: float) -> None:
        super().__init__()
        self.cutoff = cutoff
        self.hyperparameters = {"cutoff": cutoff}
        self.fade = PolynomialCutoff(cutoff)
        self.weights = torch.nn.Parameter(torch.zeros(3))

    @property
    def linear_weights(self) -> Tensor:
        return self.weights

    def forward(self, data: Any, edges: Edges | None = None) -> Tensor:
        edges = edges or edges_of(data, self.cutoff)
        halves = self._basis(edges.edge_vectors.norm(dim=1)) @ self.weights / 2
        return torch.zeros_like(data.pos[:, 0]).index_add(0, edges.edge_index[1], halves)

    def design(self, data: Any, edges: Edges | None = None) -> Design:
        edges = edges or edges_of(data, self.cutoff)
        neighbors, centers = edges.edge_index
        r = edges.edge_vectors.norm(dim=1)
        values, slopes = torch.func.jvp(self._basis, (r,), (torch.ones_like(r),))
        frames, n_frames = frame_index(data)
        energies = values.new_zeros(n_frames, 3).index_add(0, frames[centers], values / 2)
        pulls = edges.edge_vectors[:, :, None] * (slopes / r[:, None] / 2)[:, None]
        zeros = values.new_zeros(len(data.types), 3, 3)
        forces = zeros.index_add(0, centers, pulls).index_add(0, neighbors, -pulls)
        return Design(energies, forces, zeros)

    def _basis(self, r: Tensor) -> Tensor:
        powers = torch.stack([torch.ones_like(r), r, r.square()], 1)
        return self.fade(r)[:, None] * powers  # -> [edge, 3]

    def extra_repr(self) -> str:
        return f"cutoff={self.cutoff}"
