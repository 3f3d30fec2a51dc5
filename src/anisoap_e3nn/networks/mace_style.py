"""A network that multiplies densities, as in MACE."""

from collections.abc import Sequence

import torch
from e3nn import o3
from e3nn.nn import FullyConnectedNet
from torch import Tensor
from typing_extensions import Unpack

from ..arguments import integer
from ..nn import TensorProduct, TypeLinear
from ..nn.product_paths import product_paths
from .convolution import Convolution, MessageLayer
from .edge_features import EdgeFeatures
from .message_passing import MessagePassingPotential
from .options import MessagePassingOptions


class ChannelwisePowers(torch.nn.Module):
    r"""Powers of features, channel by channel: :math:`A \oplus A^2 \oplus A^3`.

    .. math::
        (A^2)_u = \tfrac12 \, A_u \otimes A_u, \qquad (A^3)_u = \tfrac13 (A^2)_u \otimes A_u

    for all irreps up to the l of A. The factors are those of a power series; they keep the powers of large
    features from drowning the rest. The square leaves out products that vanish and products that occur
    twice.

    Parameters
    ----------
    irreps_in : Irreps
        Irreps of A, with as many channels of each.
    correlation : {1, 2, 3}
        The highest power.
    irreps_wanted : Irreps
        Irreps of the highest power; others are not computed.

    Attributes
    ----------
    irreps_out : Irreps
        Irreps of all powers, one after another.
    """

    def __init__(self, irreps_in: o3.Irreps, correlation: int, irreps_wanted: o3.Irreps) -> None:
        super().__init__()
        self.irreps_in, self.products = irreps_in, torch.nn.ModuleList()
        powers, ls = [irreps_in], range(irreps_in.lmax + 1)
        every = o3.Irreps([(1, (l, p)) for l in ls for p in (1, -1)])
        for order in range(2, correlation + 1):
            irreps, instructions = product_paths(
                powers[-1],
                irreps_in,
                every if order < correlation else irreps_wanted,
                "uuu",
                has_weight=False,
                square=order == 2,
            )
            self.products.append(TensorProduct(powers[-1], irreps_in, irreps, instructions))
            powers.append(irreps)
        self.irreps_out = sum((irreps.simplify() for irreps in powers), o3.Irreps())

    def forward(self, x: Tensor) -> Tensor:
        """Map features ``(N, irreps_in.dim)`` to their powers ``(N, irreps_out.dim)``."""
        powers = [x]
        for order, product in enumerate(self.products, start=2):
            powers.append(product(powers[-1], x) / order)
        return torch.cat(powers, dim=1)


class DensityProduct(MessageLayer):
    r"""Layer :math:`h_i' = W_{t_i} (A_i \oplus A_i^2 \oplus A_i^3 \oplus h_i)`, with a density A.

    .. math::
        A_i = V (h_i \oplus m_i)

    is a linear map of features h and messages m.

    Parameters
    ----------
    irreps_in : Irreps
        Irreps of h.
    irreps_products : Irreps
        Irreps of A. Those that neither h nor the messages have are left out.
    irreps_wanted : Irreps
        Irreps of h'. Those that neither the powers of A nor h have are left out.
    correlation : {1, 2, 3}
        The highest power of A.
    n_types : int
        Number of maps W, one for each particle type.
    convolution : Convolution
        Source of the messages m.
    """

    def __init__(
        self,
        irreps_in: o3.Irreps,
        irreps_products: o3.Irreps,
        irreps_wanted: o3.Irreps,
        correlation: int,
        n_types: int,
        convolution: Convolution,
    ) -> None:
        super().__init__(convolution)
        density = irreps_in + convolution.irreps_out
        self.irreps_products = o3.Irreps([each for each in irreps_products if each.ir in density])
        self.density = o3.Linear(density, self.irreps_products)
        self.powers = ChannelwisePowers(self.irreps_products, correlation, irreps_wanted)
        linear_in = self.powers.irreps_out + irreps_in
        self.irreps_out = o3.Irreps([each for each in irreps_wanted if each.ir in linear_in])
        self.linear = TypeLinear(linear_in, self.irreps_out, n_types)

    def update(self, h: Tensor, messages: Tensor, type_index: Tensor) -> Tensor:
        A = self.density(torch.cat([h, messages], dim=1))  # -> [particle, irreps_products.dim]
        return self.linear(torch.cat([self.powers(A), h], dim=1), type_index)


class MACEStylePotential(MessagePassingPotential):
    r"""Products of the density of ellipsoids with itself and with messages, after MACE.

    .. math::
        h_i^{(0)} = \mathrm{encoding}(o_i), \qquad
        A_i^{(k)} = V^{(k)} (h_i^{(k)} \oplus m_i^{(k)}), \qquad
        h_i^{(k+1)} = W_{t_i}^{(k)} \left( A_i \oplus A_i^2 \oplus A_i^3 \oplus h_i \right)^{(k)}, \qquad
        E_i = E_{t_i} + s_{t_i} \left( \sum_{k=1}^{n} \mathrm{readout}_k(h_i^{(k)})
              + \varepsilon(o_i, c_i) \right)

    with AniSOAP's coefficients o of the particle's own density, encoded by :class:`ParticleEncoding`, and
    c of its neighbours' (:class:`DensityEnergy`), and messages m (:class:`Convolution`). Products are
    made channel by channel. The last readout is a small network, the others are linear. See Batatia et
    al., NeurIPS 2022 (arXiv:2206.07697).

    Parameters
    ----------
    types, cutoff, **options
        See :class:`MessagePassingPotential`. By default `max_angular_edges` is `max_angular_products`.
    n_channels : int
        Number of channels of each irrep of the features.
    max_angular_hidden : int
        The largest l of the features h between layers.
    max_angular_products : int
        The largest l of the densities A, and of the features h of the first layer.
    correlation : {1, 2, 3}
        The largest number of factors of a product.
    n_layers : int
        Number of layers, at least 1. Each sends messages once.

    Raises
    ------
    ValueError
        If `n_layers` or `n_channels` is less than 1, `correlation` is not 1, 2 or 3, or another
        hyperparameter is out of range.
    """

    def __init__(
        self,
        types: Sequence[int],
        cutoff: float,
        n_channels: int = 16,
        max_angular_hidden: int = 1,
        max_angular_products: int = 2,
        correlation: int = 3,
        n_layers: int = 2,
        **options: Unpack[MessagePassingOptions],
    ) -> None:
        n_layers, n_channels = integer("n_layers", n_layers), integer("n_channels", n_channels)
        max_angular_hidden = integer("max_angular_hidden", max_angular_hidden, at_least=0)
        max_angular_products = integer("max_angular_products", max_angular_products, at_least=0)
        correlation = integer("correlation", correlation)
        if n_layers < 1 or n_channels < 1 or correlation not in (1, 2, 3):
            raise ValueError(
                f"found {n_layers=}, {n_channels=} and {correlation=}, expected one layer and one channel "
                "or more, and products of 1, 2 or 3 factors"
            )
        products = _natural(n_channels, max_angular_products)
        hidden = _natural(n_channels, max_angular_hidden)
        super().__init__(types, cutoff, products, **options)
        self.hyperparameters |= {
            "n_channels": n_channels,
            "max_angular_hidden": max_angular_hidden,
            "max_angular_products": max_angular_products,
            "correlation": correlation,
            "n_layers": n_layers,
        }
        irreps = self.irreps_features
        self.layers, self.readouts = torch.nn.ModuleList(), torch.nn.ModuleList()
        for layer in range(n_layers):
            last = layer == n_layers - 1
            convolution = self.build_convolution(irreps, products)
            wanted = _natural(n_channels, 0) if last else hidden
            product = DensityProduct(
                irreps, products, wanted, correlation, len(self.types), convolution
            )
            irreps = product.irreps_out
            n = irreps.count("0e")
            readout: torch.nn.Module = (
                FullyConnectedNet([n, n, 1], torch.nn.functional.silu)
                if last
                else o3.Linear(irreps, "0e")
            )
            self.layers.append(product)
            self.readouts.append(readout)

    def network(
        self, h: Tensor, type_index: Tensor, edge_index: Tensor, edges: EdgeFeatures
    ) -> Tensor:
        energies = torch.zeros_like(h[:, :1])
        for layer, readout in zip(self.layers, self.readouts, strict=True):
            h = layer(h, type_index, edge_index, edges, self.n_neighbors)
            energies = energies + readout(h)
        return energies.squeeze(1)  # -> [particle]


def _natural(n_channels: int, max_angular: int) -> o3.Irreps:
    """Irreps with the same number of channels of every l, and the parity of spherical harmonics."""
    return o3.Irreps([(n_channels, ir) for _, ir in o3.Irreps.spherical_harmonics(max_angular)])
