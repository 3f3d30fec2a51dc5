"""Features of particles from the density of their neighbours."""

import torch
from e3nn import o3
from torch import Tensor

from ..layer import Layer
from ..nn import PowerSpectrum, TypeLinear
from .standardization import Standardization

_FIRST_GAIN = 0.01


class NeighborEncoding(Layer):
    r"""Encode the density of the neighbours, and how the particle is turned in it.

    .. math::
        s_i = g \, W_{t_i} \left( \hat c_i \oplus \hat p(\hat o_i, \hat c_i) \oplus \hat p(\hat c_i, \hat c_i)
              \right)

    with the coefficients o of the particle's own density and c of its neighbours', their scalar products p,
    and weights for each type of the centre. Hats denote features of mean 0 and unit size
    (:class:`Standardization`). The gain g is learned and 0.01 at first. Otherwise these many channels would
    drown what the particle's own density and the edges say, before training knows which of them matter.

    Parameters
    ----------
    irreps_own, irreps_neighbors : Irreps or str
        Irreps of o and c.
    irreps_out : Irreps or str
        Irreps of s, all of which c has.
    n_types : int
        Number of particle types.

    Attributes
    ----------
    irreps_out : Irreps
    gain : Parameter ``()``
    """

    def __init__(
        self,
        irreps_own: o3.Irreps | str,
        irreps_neighbors: o3.Irreps | str,
        irreps_out: o3.Irreps | str,
        n_types: int,
    ) -> None:
        super().__init__()
        own, neighbors = o3.Irreps(irreps_own), o3.Irreps(irreps_neighbors)
        self.irreps_out = o3.Irreps(irreps_out)
        self.own_scales, self.neighbor_scales = Standardization(own), Standardization(neighbors)
        self.mixed_spectrum = PowerSpectrum(own, neighbors, filter_ir_out=["0e"])
        self.neighbor_spectrum = PowerSpectrum(neighbors, filter_ir_out=["0e"])
        mixed, alone = self.mixed_spectrum.irreps_out, self.neighbor_spectrum.irreps_out
        self.mixed_spectrum_scales = Standardization(mixed)
        self.neighbor_spectrum_scales = Standardization(alone)
        self.linear = TypeLinear(neighbors + mixed + alone, self.irreps_out, n_types)
        self.gain = torch.nn.Parameter(torch.tensor(_FIRST_GAIN))

    def forward(self, own: Tensor, neighbors: Tensor, type_index: Tensor) -> Tensor:
        """Compute the features.

        Parameters
        ----------
        own : Tensor ``(N, irreps_own.dim)``
            Coefficients of the particles' own densities.
        neighbors : Tensor ``(N, irreps_neighbors.dim)``
            Coefficients of their neighbours' densities.
        type_index : Tensor ``(N,)``, int64
            From 0 to n_types - 1.

        Returns
        -------
        Tensor ``(N, irreps_out.dim)``
        """
        o, c = self.own_scales(own), self.neighbor_scales(neighbors)
        oc = self.mixed_spectrum_scales(self.mixed_spectrum(o, c))  # -> [particle, product]
        cc = self.neighbor_spectrum_scales(self.neighbor_spectrum(c))
        return self.gain * self.linear(torch.cat([c, oc, cc], dim=1), type_index)

    def fit(self, own: Tensor, neighbors: Tensor) -> None:
        """Set the means and scales from coefficients of training data."""
        self.own_scales.fit(own)
        self.neighbor_scales.fit(neighbors)
        o, c = self.own_scales(own), self.neighbor_scales(neighbors)
        self.mixed_spectrum_scales.fit(self.mixed_spectrum(o, c), standardized=True)
        self.neighbor_spectrum_scales.fit(self.neighbor_spectrum(c), standardized=True)
