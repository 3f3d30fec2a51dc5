"""Initial features of particles whose own density has channels of its own."""

import torch
from e3nn import o3
from torch import Tensor

from ..layer import Layer
from ..nn import PowerSpectrum, TypeLinear
from ..nn.density_channels import DensityChannels
from .standardization import Standardization

_FIRST_GAIN = 0.01  # of what the neighbours bring


class SeparateEncoding(Layer):
    r"""Encode particles by their own density, and by that of their neighbours with a learned gain.

    .. math::
        h_i = W_{t_i} \left( \hat o_i \oplus \hat p(\hat o_i, \hat o_i) \oplus 1 \oplus
              g \, \hat c_i \oplus g \, \hat p(\hat o_i, \hat c_i) \oplus g \, \hat p(\hat c_i, \hat c_i)
              \right)

    with the coefficients o of the particle's own density and c of its neighbours', their scalar products p,
    and weights for each type of the centre. Hats denote features of mean 0 and unit size
    (:class:`Standardization`). The gain g is 0.01 at first. Otherwise the neighbours' many channels would
    drown what the particle's own density and the edges say, before training knows which of them matter.

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
    gain : Parameter ``()``
    """

    own_columns: Tensor
    neighbor_columns: Tensor

    def __init__(
        self, channels: DensityChannels, irreps_out: o3.Irreps | str, n_types: int
    ) -> None:
        super().__init__()
        own, neighbors = channels.irreps_own, channels.irreps_neighbors
        self.register_constant("own_columns", torch.tensor(channels.own_columns))
        self.register_constant("neighbor_columns", torch.tensor(channels.neighbor_columns))
        self.own_scales, self.neighbor_scales = Standardization(own), Standardization(neighbors)
        self.own_spectrum = PowerSpectrum(own, filter_ir_out=["0e"])
        self.mixed_spectrum = PowerSpectrum(own, neighbors, filter_ir_out=["0e"])
        self.neighbor_spectrum = PowerSpectrum(neighbors, filter_ir_out=["0e"])
        self.own_spectrum_scales = Standardization(self.own_spectrum.irreps_out)
        self.mixed_spectrum_scales = Standardization(self.mixed_spectrum.irreps_out)
        self.neighbor_spectrum_scales = Standardization(self.neighbor_spectrum.irreps_out)
        of_own = own + self.own_spectrum.irreps_out + o3.Irreps("1x0e")
        of_neighbors = (
            neighbors + self.mixed_spectrum.irreps_out + self.neighbor_spectrum.irreps_out
        )
        self.irreps_out = o3.Irreps(irreps_out)
        self.linear = TypeLinear(of_own + of_neighbors, self.irreps_out, n_types)
        self.gain = torch.nn.Parameter(torch.tensor(_FIRST_GAIN))

    def forward(self, coefficients: Tensor, type_index: Tensor) -> Tensor:
        """Compute the initial features.

        Parameters
        ----------
        coefficients : Tensor ``(N, channels.irreps.dim)``
        type_index : Tensor ``(N,)``, int64
            From 0 to n_types - 1.

        Returns
        -------
        Tensor ``(N, irreps_out.dim)``
        """
        o, c = self._densities(coefficients)  # -> [particle, own], [particle, neighbours]
        oo = self.own_spectrum_scales(self.own_spectrum(o))  # -> [particle, product]
        oc = self.mixed_spectrum_scales(self.mixed_spectrum(o, c))
        cc = self.neighbor_spectrum_scales(self.neighbor_spectrum(c))
        own = torch.cat([o, oo, torch.ones_like(o[:, :1])], dim=1)
        neighbors = self.gain * torch.cat([c, oc, cc], dim=1)
        return self.linear(torch.cat([own, neighbors], dim=1), type_index)

    def fit(self, coefficients: Tensor) -> None:
        """Set the means and scales from coefficients ``(N, channels.irreps.dim)`` of training data."""
        self.own_scales.fit(coefficients[:, self.own_columns])
        self.neighbor_scales.fit(coefficients[:, self.neighbor_columns])
        o, c = self._densities(coefficients)
        self.own_spectrum_scales.fit(self.own_spectrum(o), standardized=True)
        self.mixed_spectrum_scales.fit(self.mixed_spectrum(o, c), standardized=True)
        self.neighbor_spectrum_scales.fit(self.neighbor_spectrum(c), standardized=True)

    def _densities(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised coefficients of the own density and of the neighbours'."""
        own = coefficients.index_select(1, self.own_columns)
        neighbors = coefficients.index_select(1, self.neighbor_columns)
        return self.own_scales(own), self.neighbor_scales(neighbors)
