"""From the density around a particle to the features that a network starts from."""

import torch
from e3nn import o3
from torch import Tensor

from ..nn import PowerSpectrum, TypeLinear
from .standardization import Standardization


class ParticleEncoding(torch.nn.Module):
    r"""Coefficients of the density and its power spectrum, mixed with weights for each type of the centre.

    .. math::
        h_i = W_{t_i} \left( \hat c_i \oplus \hat p(\hat c_i) \oplus 1 \right)

    Hats are for features of zero mean and unit size. The power spectrum p, all scalar products of two
    coefficients, brings in what coefficients of larger l than those of h know, and what only products
    know: how the particle itself is turned among its neighbours.

    Parameters
    ----------
    irreps_in : Irreps or str
        Of the coefficients.
    irreps_wanted : Irreps or str
        Of h; those that coefficients do not have are left out.
    n_types : int

    Attributes
    ----------
    irreps_out : Irreps
    """

    def __init__(
        self, irreps_in: o3.Irreps | str, irreps_wanted: o3.Irreps | str, n_types: int
    ) -> None:
        super().__init__()
        irreps = o3.Irreps(irreps_in)
        self.irreps_out = o3.Irreps(
            [each for each in o3.Irreps(irreps_wanted) if each.ir in irreps]
        )
        self.spectrum = PowerSpectrum(irreps, filter_ir_out=["0e"])
        self.coefficient_scales = Standardization(irreps)
        self.spectrum_scales = Standardization(self.spectrum.irreps_out)
        linear_in = irreps + self.spectrum.irreps_out + o3.Irreps("1x0e")
        self.linear = TypeLinear(linear_in, self.irreps_out, n_types)

    def forward(self, coefficients: Tensor, type_index: Tensor) -> Tensor:
        """From ``(N, irreps_in.dim)`` and types ``(N,)``, counted from 0, to ``(N, irreps_out.dim)``."""
        c = self.coefficient_scales(coefficients)  # -> [particle, irreps_in.dim]
        p = self.spectrum_scales(self.spectrum(c))  # -> [particle, product]
        return self.linear(torch.cat([c, p, torch.ones_like(p[:, :1])], dim=1), type_index)

    def fit(self, coefficients: Tensor) -> None:
        """Measure means and sizes ``(N, irreps_in.dim)``."""
        self.coefficient_scales.fit(coefficients)
        self.spectrum_scales.fit(self.spectrum(self.coefficient_scales(coefficients)))
