"""A network of products of densities, as in MACE."""

from collections.abc import Sequence

import torch
from e3nn import o3
from e3nn.nn import FullyConnectedNet
from torch import Tensor

from ..nn import TensorProduct, TypeLinear
from ..nn.product_paths import product_paths
from .convolution import Convolution
from .edge_features import EdgeFeatures
from .message_passing import MessagePassingPotential


class ChannelwisePowers(torch.nn.Module):
    r"""Products of two and of three features of the same channel, :math:`A \oplus A^2 \oplus A^3`.

    .. math::
        (A^2)_u = \tfrac12 \, A_u \otimes A_u, \qquad (A^3)_u = \tfrac13 (A^2)_u \otimes A_u

    of all irreps up to the l of A, with the factors of a power series, which keep large features from
    drowning the rest. Products that vanish or repeat others, since their factors are the same, are left out.

    Parameters
    ----------
    irreps_in : Irreps
        With the same number of channels of every irrep.
    correlation : {1, 2, 3}
        The largest number of factors.
    irreps_wanted : Irreps
        Products of the highest order are made of these only.

    Attributes
    ----------
    irreps_out : Irreps
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
        """``(N, irreps_in.dim)`` to ``(N, irreps_out.dim)``."""
        powers = [x]
        for order, product in enumerate(self.products, start=2):
            powers.append(product(powers[-1], x) / order)
        return torch.cat(powers, dim=1)


class DensityProduct(torch.nn.Module):
    r"""One layer: the density and messages A, their products, and a linear map for each type.

    .. math::
        A_i = V (h_i \oplus m_i), \qquad h_i' = W_{t_i} (A_i \oplus A_i^2 \oplus A_i^3 \oplus h_i)
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
        super().__init__()
        self.convolution = convolution
        density = irreps_in + convolution.irreps_out
        self.irreps_products = o3.Irreps([each for each in irreps_products if each.ir in density])
        self.density = o3.Linear(density, self.irreps_products)
        self.powers = ChannelwisePowers(self.irreps_products, correlation, irreps_wanted)
        linear_in = self.powers.irreps_out + irreps_in
        self.irreps_out = o3.Irreps([each for each in irreps_wanted if each.ir in linear_in])
        self.linear = TypeLinear(linear_in, self.irreps_out, n_types)

    def forward(
        self,
        h: Tensor,
        type_index: Tensor,
        edge_index: Tensor,
        edges: EdgeFeatures,
        n_neighbors: Tensor,
    ) -> Tensor:
        messages = self.convolution(h, edge_index, edges, n_neighbors)
        A = self.density(torch.cat([h, messages], dim=1))  # -> [particle, irreps_products.dim]
        return self.linear(torch.cat([self.powers(A), h], dim=1), type_index)


class MACEStylePotential(MessagePassingPotential):
    r"""Products of the density of ellipsoids with itself and with messages, after MACE.

    .. math::
        h_i^{(0)} = W_{t_i} (c_i \oplus p_i \oplus 1), \qquad
        A_i^{(k)} = V^{(k)} (h_i^{(k)} \oplus m_i^{(k)}), \qquad
        h_i^{(k+1)} = W_{t_i}^{(k)} \left( A_i \oplus A_i^2 \oplus A_i^3 \oplus h_i \right)^{(k)}, \qquad
        E_i = E_{t_i} + s_{t_i} \sum_k \mathrm{readout}_k(h_i^{(k)})

    with AniSOAP's coefficients c, a density already, and their power spectrum p (:class:`ParticleEncoding`),
    messages m (:class:`Convolution`), and products channel by channel (:class:`ChannelwisePowers`). Readouts
    are linear, and the last one a small network. See Batatia et al., NeurIPS 2022 (arXiv:2206.07697).

    Parameters
    ----------
    types : sequence of int
        The particle types that occur.
    cutoff : float
        Of the density and of the messages, a length.
    n_channels : int
        Of every irrep of the features.
    max_angular_hidden : int
        The largest l of the features that are passed on.
    max_angular_products : int
        The largest l of the density that products are made of.
    correlation : {1, 2, 3}
        How many factors products have at most.
    n_layers : int
        How often messages are sent, at least once.
    max_angular, max_radial, radial_gaussian_width, density_width, max_angular_edges, n_radial,
    radial_layers, edge_orientations
        As for :class:`NequIPStylePotential`.

    Raises
    ------
    ValueError
        For hyperparameters that make no sense.
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
        max_angular: int = 6,
        max_radial: int | Sequence[int] | None = None,
        radial_gaussian_width: float | None = None,
        density_width: float = 1.0,
        max_angular_edges: int | None = None,
        n_radial: int = 8,
        radial_layers: Sequence[int] = (64, 64),
        edge_orientations: bool = True,
    ) -> None:
        if n_layers < 1 or n_channels < 1 or correlation not in (1, 2, 3):
            raise ValueError(
                f"found {n_layers=}, {n_channels=} and {correlation=}, expected one layer and one channel "
                "or more, and products of 1, 2 or 3 factors"
            )
        products = _natural(n_channels, max_angular_products)
        hidden = _natural(n_channels, max_angular_hidden)
        l_edges = max_angular_products if max_angular_edges is None else max_angular_edges
        super().__init__(
            types, cutoff, max_angular, max_radial, radial_gaussian_width, density_width,
            products, l_edges, n_radial, edge_orientations,
        )  # fmt: skip
        self.hyperparameters |= {
            "n_channels": n_channels,
            "max_angular_hidden": max_angular_hidden,
            "max_angular_products": max_angular_products,
            "correlation": correlation,
            "n_layers": n_layers,
            "radial_layers": list(radial_layers),
        }
        irreps = self.irreps_features
        self.layers, self.readouts = torch.nn.ModuleList(), torch.nn.ModuleList()
        for layer in range(n_layers):
            last = layer == n_layers - 1
            convolution = Convolution(
                irreps,
                self.edge_encoding.irreps_harmonics,
                products,
                self.edge_encoding.n_invariants,
                radial_layers,
            )
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
            h = layer(
                h, type_index, edge_index, edges, self.n_neighbors
            )  # -> [particle, irreps.dim]
            energies = energies + readout(h)
        return energies.squeeze(1)  # -> [particle]


def _natural(n_channels: int, max_angular: int) -> o3.Irreps:
    """The same number of channels of every l, with the parity of the spherical harmonics."""
    return o3.Irreps([(n_channels, ir) for _, ir in o3.Irreps.spherical_harmonics(max_angular)])
