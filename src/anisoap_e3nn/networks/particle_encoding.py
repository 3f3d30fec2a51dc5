"""Initial features of particles, from the densities around them."""

import torch
from e3nn import o3
from torch import Tensor

from ..layer import Layer
from ..nn import PowerSpectrum, TypeLinear
from .standardization import Standardization


class ParticleEncoding(Layer):
    r"""Encode particles: a linear map of the density's coefficients and their power spectrum.

    .. math::
        h_i = W_{t_i} \left( \hat c_i \oplus \hat p(\hat c_i) \oplus 1 \right)

    with weights for each type of the centre. Hats denote features of mean 0 and unit size
    (:class:`Standardization`). The power spectrum p consists of all scalar products of two coefficients. It
    has what linear maps of the coefficients lack: the coefficients of larger l than those of h, and how the
    particle itself is oriented relative to its neighbours.

    Parameters
    ----------
    irreps_in : Irreps or str
        Irreps of the coefficients.
    irreps_out : Irreps or str
        Irreps of h, all of which the coefficients have.
    n_types : int
        Number of particle types.

    Attributes
    ----------
    irreps_out : Irreps
        Irreps of h.
    """

    def __init__(
        self, irreps_in: o3.Irreps | str, irreps_out: o3.Irreps | str, n_types: int
    ) -> None:
        super().__init__()
        irreps, self.irreps_out = o3.Irreps(irreps_in), o3.Irreps(irreps_out)
        self.spectrum = PowerSpectrum(irreps, filter_ir_out=["0e"])
        self.coefficient_scales = Standardization(irreps)
        self.spectrum_scales = Standardization(self.spectrum.irreps_out)
        linear_in = irreps + self.spectrum.irreps_out + o3.Irreps("1x0e")
        self.linear = TypeLinear(linear_in, self.irreps_out, n_types)

    def forward(self, coefficients: Tensor, type_index: Tensor) -> Tensor:
        """Compute the initial features.

        Parameters
        ----------
        coefficients : Tensor ``(N, irreps_in.dim)``
        type_index : Tensor ``(N,)``, int64
            From 0 to n_types - 1.

        Returns
        -------
        Tensor ``(N, irreps_out.dim)``
        """
        c = self.coefficient_scales(coefficients)  # -> [particle, irreps_in.dim]
        p = self.spectrum_scales(self.spectrum(c))  # -> [particle, product]
        return self.linear(torch.cat([c, p, torch.ones_like(p[:, :1])], dim=1), type_index)

    def fit(self, coefficients: Tensor) -> None:
        """Set the means and scales from coefficients ``(N, irreps_in.dim)`` of training data."""
        self.coefficient_scales.fit(coefficients)
        spectrum = self.spectrum(self.coefficient_scales(coefficients))
        self.spectrum_scales.fit(spectrum, standardized=True)
