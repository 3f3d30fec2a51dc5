"""Messages along edges, summed at their centres: what all equivariant networks are made of."""

from collections.abc import Sequence

import torch
from e3nn import o3
from e3nn.nn import FullyConnectedNet
from torch import Tensor

from ..nn import TensorProduct
from ..nn.product_paths import product_paths
from .edge_features import EdgeFeatures


class Convolution(torch.nn.Module):
    r"""Features of the neighbours times harmonics of the directions to them, summed over neighbours.

    .. math::
        m_i^{p} = \frac{1}{\sqrt{\bar n}} \sum_{j \in N(i)} f(r_{ij}) \, W^{p}(e_{ij}) \;
                  x_j^{l_1} \otimes^{l_3} Y_{l_2}(\hat r_{ij}), \qquad p = (l_1, l_2, l_3)

    channel by channel, with weights that a small network W makes of the invariants e of an edge.

    Parameters
    ----------
    irreps_in : Irreps or str
        Of the features.
    irreps_harmonics : Irreps or str
    irreps_wanted : Irreps or str
        Products of other irreps than these are not made.
    n_invariants : int
        Of an edge.
    radial_layers : sequence of int
        Widths of the network's hidden layers.

    Attributes
    ----------
    irreps_out : Irreps
        One entry of channels for each path; see :meth:`forward`.
    """

    def __init__(
        self,
        irreps_in: o3.Irreps | str,
        irreps_harmonics: o3.Irreps | str,
        irreps_wanted: o3.Irreps | str,
        n_invariants: int,
        radial_layers: Sequence[int] = (64, 64),
    ) -> None:
        super().__init__()
        self.irreps_in = o3.Irreps(irreps_in)
        irreps, instructions = product_paths(
            self.irreps_in,
            o3.Irreps(irreps_harmonics),
            o3.Irreps(irreps_wanted),
            "uvu",
            has_weight=True,
        )
        self.mixing = o3.Linear(self.irreps_in, self.irreps_in)
        self.product = TensorProduct(
            self.irreps_in, irreps_harmonics, irreps, instructions, shared_weights=False
        )
        self.radial = FullyConnectedNet(
            [n_invariants, *radial_layers, self.product.weight_numel], torch.nn.functional.silu
        )
        self.irreps_out = irreps.simplify()

    def forward(
        self, x: Tensor, edge_index: Tensor, edges: EdgeFeatures, n_neighbors: Tensor
    ) -> Tensor:
        r"""Sums of messages.

        Parameters
        ----------
        x : Tensor ``(N, irreps_in.dim)``
        edge_index : Tensor ``(2, edge)``, int64
            Neighbours and centres.
        edges : EdgeFeatures
        n_neighbors : Tensor ``()``
            :math:`\bar n`, which keeps sums near 1.

        Returns
        -------
        Tensor ``(N, irreps_out.dim)``
        """
        neighbors, centers = edge_index.unbind()
        weights = self.radial(edges.invariants) * edges.envelope  # -> [edge, weight]
        x_neighbors = self.mixing(x).index_select(0, neighbors)  # -> [edge, irreps_in.dim]
        messages = self.product(x_neighbors, edges.harmonics, weights)  # -> [edge, irreps_out.dim]
        sums = messages.new_zeros(x.shape[0], messages.shape[1]).index_add(0, centers, messages)
        return sums / n_neighbors.sqrt()  # -> [particle, irreps_out.dim]
