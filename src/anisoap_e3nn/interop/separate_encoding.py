"""Features of particles from their own density and from that of their neighbours, added."""

import torch
from e3nn import o3
from torch import Tensor

from ..layer import Layer
from ..networks import NeighborEncoding, ParticleEncoding
from ..nn.density_channels import DensityChannels


class SeparateEncoding(Layer):
    r"""Encode particles by their own density, and by that of their neighbours with a learned gain.

    .. math:: h_i = \mathrm{encoding}(o_i) + s_i(o_i, c_i)

    with the coefficients o of the particle's own density and c of its neighbours',
    :class:`~anisoap_e3nn.networks.ParticleEncoding` of the first and
    :class:`~anisoap_e3nn.networks.NeighborEncoding` of both. The own density has even l only, so the other
    irreps come from the neighbours alone.

    Parameters
    ----------
    channels : DensityChannels
        Channels of the coefficients, the own density among them.
    irreps_out : Irreps or str
        Irreps of h, all of which the coefficients have.
    n_types : int
        Number of particle types.

    Attributes
    ----------
    irreps_out : Irreps
    """

    columns: Tensor

    def __init__(
        self, channels: DensityChannels, irreps_out: o3.Irreps | str, n_types: int
    ) -> None:
        super().__init__()
        own, neighbors = channels.irreps_own, channels.irreps_neighbors
        self.channels, self.irreps_out = channels, o3.Irreps(irreps_out)
        has_own = [each.ir in own for each in self.irreps_out for _ in range(each.dim)]
        self.register_constant("columns", torch.tensor(has_own).nonzero()[:, 0])
        irreps_own = o3.Irreps([each for each in self.irreps_out if each.ir in own])
        self.own = ParticleEncoding(own, irreps_own, n_types)
        self.neighbors = NeighborEncoding(own, neighbors, self.irreps_out, n_types)

    def forward(self, coefficients: Tensor, type_index: Tensor) -> Tensor:
        """Compute the features.

        Parameters
        ----------
        coefficients : Tensor ``(N, channels.irreps.dim)``
        type_index : Tensor ``(N,)``, int64
            From 0 to n_types - 1.

        Returns
        -------
        Tensor ``(N, irreps_out.dim)``
        """
        own, neighbors = self.channels.split(coefficients)
        s = self.neighbors(own, neighbors, type_index)  # -> [particle, irreps_out.dim]
        return s.index_add(1, self.columns, self.own(own, type_index))

    def fit(self, coefficients: Tensor) -> None:
        """Set the means and scales from coefficients ``(N, channels.irreps.dim)`` of training data."""
        own, neighbors = self.channels.split(coefficients)
        self.own.fit(own)
        self.neighbors.fit(own, neighbors)
