"""Initial features of particles whose own density has channels of its own."""

import torch
from e3nn import o3
from torch import Tensor

from ..layer import Layer
from ..nn import PowerSpectrum, TypeLinear
from ..nn.density_channels import DensityChannels
from .standardization import Standardization


class SeparateEncoding(Layer):
    r"""Encode particles by their own density, and by that of their neighbours with a learned gain.

    .. math::
        h_i = W_{t_i} \left( \hat o_i \oplus \hat p(\hat o_i, \hat o_i) \oplus 1 \oplus
              g \, \hat c_i \oplus g \, \hat p(\hat o_i, \hat c_i) \oplus g \, \hat p(\hat c_i, \hat c_i)
              \right)

    with the coefficients o of the particle's own density and c of its neighbours', their scalar products p,
    and weights for each type of the centre. Hats denote features of mean 0 and unit size
    (:class:`Standardization`). The gain g is small at first, so that many noisy channels do not drown what
    the particle's own density and the edges say, before training has found out which of them matter.

    Parameters
    ----------
    channels : DensityChannels
        Channels of the coefficients, the own density among them.
    irreps_out : Irreps or str
        Irreps of h, all of which the coefficients have.
    n_types : int
        Number of particle types.
    initial_gain : float
        First value of g.

    Attributes
    ----------
    irreps_out : Irreps
    gain : Parameter ``()``
    """

    own_columns: Tensor
    neighbor_columns: Tensor

    def __init__(
        self,
        channels: DensityChannels,
        irreps_out: o3.Irreps | str,
        n_types: int,
        initial_gain: float = 0.01,
    ) -> None:
        super().__init__()
        own = set(channels.own_columns)
        others = [column for column in range(channels.irreps.dim) if column not in own]
        irreps_own = _irreps_of(channels.irreps, channels.own_columns)
        irreps_neighbors = _irreps_of(channels.irreps, others)
        self.register_constant("own_columns", torch.tensor(channels.own_columns))
        self.register_constant("neighbor_columns", torch.tensor(others))
        self.irreps_out = o3.Irreps(irreps_out)
        self.own_spectrum = PowerSpectrum(irreps_own, filter_ir_out=["0e"])
        self.mixed_spectrum = PowerSpectrum(irreps_own, irreps_neighbors, filter_ir_out=["0e"])
        self.neighbor_spectrum = PowerSpectrum(irreps_neighbors, filter_ir_out=["0e"])
        spectra = (self.own_spectrum, self.mixed_spectrum, self.neighbor_spectrum)
        own_scales, mixed_scales, neighbor_scales = (Standardization(p.irreps_out) for p in spectra)
        self.own_scales, self.own_spectrum_scales = Standardization(irreps_own), own_scales
        self.mixed_spectrum_scales = mixed_scales
        self.neighbor_scales = Standardization(irreps_neighbors)
        self.neighbor_spectrum_scales = neighbor_scales
        linear_in = irreps_own + self.own_spectrum.irreps_out + o3.Irreps("1x0e") + irreps_neighbors
        linear_in += self.mixed_spectrum.irreps_out + self.neighbor_spectrum.irreps_out
        self.linear = TypeLinear(linear_in, self.irreps_out, n_types)
        self.gain = torch.nn.Parameter(torch.tensor(initial_gain))

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
        o, c = self._densities(
            coefficients
        )  # -> [particle, irreps_own.dim], [particle, irreps_neighbors.dim]
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
        self.own_spectrum_scales.fit(self.own_spectrum(o))
        self.mixed_spectrum_scales.fit(self.mixed_spectrum(o, c))
        self.neighbor_spectrum_scales.fit(self.neighbor_spectrum(c))

    def _densities(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised coefficients of the own density and of the neighbours'."""
        own = coefficients.index_select(1, self.own_columns)
        neighbors = coefficients.index_select(1, self.neighbor_columns)
        return self.own_scales(own), self.neighbor_scales(neighbors)


def _irreps_of(irreps: o3.Irreps, columns: list[int]) -> o3.Irreps:
    """Irreps of some columns, with whole channels."""
    kept, found = set(columns), []
    for (_, ir), where in zip(irreps, irreps.slices(), strict=True):
        found.append((sum(k in kept for k in range(where.start, where.stop)) // ir.dim, ir))
    return o3.Irreps([each for each in found if each[0] > 0])
