"""A network of messages between neighbours."""

from collections.abc import Sequence

import torch
from torch import Tensor
from typing_extensions import Unpack

from anisoap_e3nn.networks import EdgeFeatures, MessagePassingOptions, MessagePassingPotential


class NeighborNetwork(MessagePassingPotential):
    """One message along each edge, of the scalars at its ends and of how they lie to each other.

    Parameters
    ----------
    types : sequence of int
        The particle types that occur.
    cutoff : float
        A length.
    width : int
        Of the messages.
    **options
        As for all networks.
    """

    def __init__(
        self,
        types: Sequence[int],
        cutoff: float,
        width: int = 8,
        **options: Unpack[MessagePassingOptions],
    ) -> None:
        super().__init__(types, cutoff, f"{width}x0e", **options)
        self.hyperparameters |= {"width": width}
        n = self.irreps_features.dim
        self.message = torch.nn.Sequential(
            torch.nn.Linear(2 * n + self.edge_encoding.n_invariants, width),
            torch.nn.SiLU(),
            torch.nn.Linear(width, width),
        )
        self.readout = torch.nn.Sequential(
            torch.nn.Linear(n + width, width), torch.nn.SiLU(), torch.nn.Linear(width, 1)
        )

    def network(
        self, h: Tensor, type_index: Tensor, edge_index: Tensor, edges: EdgeFeatures
    ) -> Tensor:
        neighbors, centers = edge_index
        messages = self.message(torch.cat([h[centers], h[neighbors], edges.invariants], 1))
        messages = messages * edges.envelope / self.n_neighbors.sqrt()
        sums = messages.new_zeros(len(h), messages.shape[1]).index_add(0, centers, messages)
        return self.readout(torch.cat([h, sums], 1)).squeeze(1)
