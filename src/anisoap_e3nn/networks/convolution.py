"""Convolutions over edges: weighted messages from neighbours, summed at their centres."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from e3nn import o3
from torch import Tensor

from ..irreps_arguments import to_irreps
from ..layer import Layer
from ..nn import TensorProductConvolution
from ..nn.product_paths import product_paths
from .edge_features import EdgeFeatures
from .radial_network import RadialNetwork


class Convolution(Layer):
    r"""Sum over neighbours of their features times spherical harmonics of the edge.

    .. math::
        m_i^{p} = \frac{1}{\sqrt{\bar n}} \sum_{j \in N(i)} f(r_{ij}) \, W^{p}(e_{ij}) \;
                  x_j^{l_1} \otimes^{l_3} Y_{l_2}(\hat r_{ij}), \qquad p = (l_1, l_2, l_3)

    channel by channel, for each path p. The features x are first mixed by a linear map. The weights W are the
    outputs of a small network, the radial network, of the invariants e of the edge. The envelope f lets
    messages vanish at the cutoff.

    Parameters
    ----------
    irreps_in : Irreps or str
        Irreps of the features.
    irreps_harmonics : Irreps or str
        Irreps of the spherical harmonics, one channel each.
    irreps_wanted : Irreps or str
        Irreps of the messages. Products of other irreps are not computed; multiplicities do not matter.
    n_invariants : int
        Number of invariants of an edge.
    radial_layers : sequence of int
        Widths of the radial network's hidden layers.

    Attributes
    ----------
    irreps_out : Irreps
        Irreps of the messages, as many channels for each path as its input has.
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
        self.irreps_in = to_irreps("irreps_in", irreps_in)
        irreps, instructions = product_paths(
            self.irreps_in,
            to_irreps("irreps_harmonics", irreps_harmonics),
            to_irreps("irreps_wanted", irreps_wanted),
            "uvu",
            has_weight=True,
        )
        self.mixing = o3.Linear(self.irreps_in, self.irreps_in)
        self.product = TensorProductConvolution(
            self.irreps_in, irreps_harmonics, irreps, instructions
        )
        self.radial = RadialNetwork([n_invariants, *radial_layers, self.product.weight_numel])
        self.irreps_out = irreps.simplify()

    def forward(
        self, x: Tensor, edge_index: Tensor, edges: EdgeFeatures, n_neighbors: Tensor
    ) -> Tensor:
        r"""Sum the messages to each particle.

        Parameters
        ----------
        x : Tensor ``(N, irreps_in.dim)``
            Features of the particles.
        edge_index : Tensor ``(2, edge)``, int64
            Neighbours (row 0) and centres (row 1).
        edges : EdgeFeatures
        n_neighbors : Tensor ``(1,)``
            The mean number of neighbours :math:`\bar n`. It keeps the size of the sums near 1.

        Returns
        -------
        Tensor ``(N, irreps_out.dim)``
        """
        weights = self.radial(edges.invariants)  # -> [edge, weight]
        # the factors belong to the weights too, of which there are many more
        harmonics = edges.harmonics * edges.envelope / n_neighbors.sqrt()  # -> [edge, harmonic]
        return self.product(
            self.mixing(x), harmonics, weights, edge_index
        )  # -> [N, irreps_out.dim]


class MessageLayer(Layer, ABC):
    """Base class of layers that update features with the messages of a convolution.

    Subclasses write :meth:`update` and set `irreps_out`.

    Parameters
    ----------
    convolution : Convolution

    Attributes
    ----------
    irreps_out : Irreps
        Irreps of the updated features.
    """

    irreps_out: o3.Irreps

    def __init__(self, convolution: Convolution) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(
        self,
        h: Tensor,
        type_index: Tensor,
        edge_index: Tensor,
        edges: EdgeFeatures,
        n_neighbors: Tensor,
    ) -> Tensor:
        """Send messages and update the features ``(N, ...)``; see :class:`Convolution`."""
        messages = self.convolution(h, edge_index, edges, n_neighbors)
        return self.update(h, messages, type_index)

    @abstractmethod
    def update(self, h: Tensor, messages: Tensor, type_index: Tensor) -> Tensor:
        """New features ``(N, ...)`` from old ones, messages ``(N, ...)`` and types ``(N,)``."""
