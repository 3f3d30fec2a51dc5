"""Scaling of features to mean 0 and unit size, as measured on training data."""

import torch
from e3nn import o3
from torch import Tensor

from ..layer import Layer
from ..precision import in_float64


class Standardization(Layer):
    r"""Shift and scale features equivariantly.

    .. math::
        \hat x_{ulm} = (x_{ulm} - \delta_{l0} \, \mu_u) / s_l, \qquad
        s_l^2 = \langle (x_{ulm} - \delta_{l0} \, \mu_u)^2 \rangle_{um}

    All channels of an entry of the irreps share one scale. So channels that hardly vary stay small, and the
    network does not overfit their detail. An entry that varies by less than a hundredth of its size is
    divided by that hundredth, so that noise is not blown up. One that varies by rounding errors alone, such
    as the own density of particles that are all alike, is divided by its size, and one whose values are
    rounding errors, such as anisotropies of spheres, by 1. Before :meth:`fit` the means are 0 and the scales
    1.

    Parameters
    ----------
    irreps : Irreps or str
        Irreps of the features.
    shift : bool
        Whether scalars (0e) are shifted; without it :math:`\mu = 0`.

    Attributes
    ----------
    means, scales : Tensor ``(irreps.dim,)``
        Buffers.
    """

    means: Tensor
    scales: Tensor

    def __init__(self, irreps: o3.Irreps | str, shift: bool = True) -> None:
        super().__init__()
        self.irreps, self.shift = o3.Irreps(irreps), shift
        self.register_buffer("means", torch.zeros(self.irreps.dim))
        self.register_buffer("scales", torch.ones(self.irreps.dim))

    def forward(self, x: Tensor) -> Tensor:
        """Standardise features ``(..., irreps.dim)``."""
        return (x - self.means) / self.scales

    @torch.no_grad()
    def fit(self, x: Tensor, standardized: bool = False) -> None:
        """Set means and scales from features ``(sample, irreps.dim)``; without samples nothing changes.

        If the features are products of `standardized` ones, rounding errors are told from these: they are of
        size 1, and their own rounding errors may have been divided by a hundredth.
        """
        if len(x) == 0:
            return
        largest = float(x.abs().max()) if x.numel() else 0.0
        largest = max(largest, 100.0) if standardized else largest
        rounding = 32 * torch.finfo(x.dtype).eps * largest
        x = in_float64(x)
        for (mul, ir), some in zip(self.irreps, self.irreps.slices(), strict=True):
            channels = x[:, some].unflatten(1, (mul, ir.dim))  # -> [sample, channel, m]
            means = torch.zeros_like(channels[0])  # -> [channel, m]
            if self.shift and ir.l == 0 and ir.p == 1:
                means = channels.mean(0)
            size = float((channels - means).square().mean().sqrt()) if mul else 0.0
            whole = float(channels.square().mean().sqrt()) if mul else 0.0
            self.means[some] = means.flatten().to(self.means)
            self.scales[some] = _scale(size, whole, rounding)

    def extra_repr(self) -> str:
        return f"{self.irreps}"


def _scale(size: float, whole: float, rounding: float) -> float:
    """Scale of an entry: its root mean square without and with the mean, and that of rounding errors."""
    if whole <= rounding:
        return 1.0
    return whole if size <= rounding else max(size, 0.01 * whole)
