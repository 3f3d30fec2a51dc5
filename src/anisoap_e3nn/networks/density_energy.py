"""Energies of particles from the density of their neighbours."""

import torch
from e3nn import o3
from e3nn.nn import FullyConnectedNet
from torch import Tensor

from ..layer import Layer
from .neighbor_encoding import NeighborEncoding


class DensityEnergy(Layer):
    r"""Energy of a particle in the density of its neighbours.

    .. math::
        \varepsilon_i = \mathrm{perceptron}(s_i)

    with scalars s of the neighbours' density and of how the particle is turned in it, and their small gain
    (:class:`NeighborEncoding`). The perceptron has SiLU activations and no biases. This energy stands beside
    that of a network, whose messages carry the particles' own densities. So it has its say where edges do not
    know enough, and does no harm where they do.

    Parameters
    ----------
    irreps_own, irreps_neighbors : Irreps or str
        Irreps of the coefficients of the two densities.
    n_hidden : int
        Number of scalars s, and of units in each hidden layer.
    n_types : int
        Number of particle types.
    n_layers : int
        Number of hidden layers.
    """

    def __init__(
        self,
        irreps_own: o3.Irreps | str,
        irreps_neighbors: o3.Irreps | str,
        n_hidden: int,
        n_types: int,
        n_layers: int = 1,
    ) -> None:
        super().__init__()
        self.encoding = NeighborEncoding(irreps_own, irreps_neighbors, f"{n_hidden}x0e", n_types)
        widths = [n_hidden] * (n_layers + 1)  # of the scalars and of the hidden layers
        self.readout = FullyConnectedNet([*widths, 1], torch.nn.functional.silu)

    def forward(self, own: Tensor, neighbors: Tensor, type_index: Tensor) -> Tensor:
        """Compute the energies ``(N,)``; arguments as those of :class:`NeighborEncoding`."""
        s = self.encoding(own, neighbors, type_index)  # -> [particle, n_hidden]
        energies: Tensor = self.readout(s).squeeze(1)
        return energies  # -> [particle]

    def fit(self, own: Tensor, neighbors: Tensor) -> None:
        """Set the means and scales from coefficients of training data."""
        self.encoding.fit(own, neighbors)
