"""A network of gated convolutions, as in NequIP."""

from collections.abc import Sequence

import torch
from e3nn import o3
from e3nn.nn import FullyConnectedNet, Gate
from torch import Tensor

from ..nn import TypeLinear
from .convolution import Convolution
from .edge_features import EdgeFeatures
from .message_passing import MessagePassingPotential


class GatedConvolution(torch.nn.Module):
    r"""One layer: :math:`h_i' = \mathrm{gate}(W_{t_i} (h_i \oplus m_i))`, with messages m of the neighbours.

    Scalars go through an activation function, SiLU if even and tanh if odd; everything else is multiplied by
    a gate, the logistic function of a scalar of its own.
    """

    def __init__(
        self, irreps_in: o3.Irreps, irreps_wanted: o3.Irreps, n_types: int, convolution: Convolution
    ) -> None:
        super().__init__()
        self.convolution = convolution
        linear_in = irreps_in + convolution.irreps_out
        possible = o3.Irreps([each for each in irreps_wanted if each.ir in linear_in])
        scalars = o3.Irreps([each for each in possible if each.ir.l == 0])
        gated = o3.Irreps([each for each in possible if each.ir.l > 0])
        gates = o3.Irreps([(mul, "0e") for mul, _ in gated]).simplify()
        activations = [
            torch.nn.functional.silu if ir.p == 1 else torch.tanh for _, ir in scalars.simplify()
        ]
        self.gate = Gate(
            scalars.simplify(),
            activations,
            gates,
            [torch.sigmoid] * len(gates),
            gated,
        )
        self.linear = TypeLinear(linear_in, self.gate.irreps_in, n_types)
        self.irreps_out = self.gate.irreps_out

    def forward(
        self,
        h: Tensor,
        type_index: Tensor,
        edge_index: Tensor,
        edges: EdgeFeatures,
        n_neighbors: Tensor,
    ) -> Tensor:
        messages = self.convolution(h, edge_index, edges, n_neighbors)
        h = self.linear(
            torch.cat([h, messages], dim=1), type_index
        )  # -> [particle, gate.irreps_in.dim]
        return self.gate(h)  # -> [particle, irreps_out.dim]


class NequIPStylePotential(MessagePassingPotential):
    r"""Gated equivariant convolutions on the density of ellipsoids, after NequIP.

    .. math::
        h_i^{(0)} = W_{t_i} (c_i \oplus p_i \oplus 1), \qquad
        h_i^{(k+1)} = \mathrm{gate}\left( W_{t_i}^{(k)} (h_i^{(k)} \oplus m_i^{(k)}) \right), \qquad
        E_i = E_{t_i} + s_{t_i} \, \mathrm{readout}(h_i^{(n)})

    with AniSOAP's coefficients c and their power spectrum p (:class:`ParticleEncoding`), messages m
    (:class:`Convolution`), and a small network of the last layer's scalars. See Batzner et al., Nat. Commun.
    13, 2453 (2022).

    Parameters
    ----------
    types : sequence of int
        The particle types that occur.
    cutoff : float
        Of the density and of the messages, a length.
    irreps_hidden : Irreps or str
        Of the features of each particle.
    n_layers : int
        How often messages are sent, at least once.
    max_angular : int
        The largest l of the density; beyond the l of `irreps_hidden` only its power spectrum is used.
    max_radial : int or sequence of int, optional
        See :class:`~anisoap_e3nn.AniSOAPEmbedding`.
    radial_gaussian_width : float, optional
        :math:`\sigma` of the density's radial functions, a length; by default a quarter of the cutoff.
    density_width : float
        Standard deviations of a particle's density, in units of its semi-axes, 1 as in AniSOAP. Narrower
        densities tell neighbours better apart, but only with more and narrower radial functions.
    max_angular_edges : int, optional
        The largest l of the edges' harmonics; by default that of `irreps_hidden`.
    n_radial : int
        Number of radial functions of an edge.
    radial_layers : sequence of int
        Widths of the network that makes weights of them.
    edge_orientations : bool
        Whether edges know the shapes and orientations of their particles, besides what the density
        tells of them.

    Raises
    ------
    ValueError
        For hyperparameters that make no sense.

    Examples
    --------
    >>> potential = NequIPStylePotential([0], cutoff=4.0, irreps_hidden="8x0e + 8x1o", n_layers=1)
    >>> potential.irreps_features
    8x0e+8x1o
    """

    def __init__(
        self,
        types: Sequence[int],
        cutoff: float,
        irreps_hidden: o3.Irreps | str = "32x0e + 16x1o + 16x2e",
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
        hidden = o3.Irreps(irreps_hidden)
        if n_layers < 1 or "0e" not in hidden:
            raise ValueError(
                f"found {n_layers=} and irreps_hidden={str(hidden)!r}, expected one layer or more, and "
                "0e, which energies are made of"
            )
        l_edges = hidden.lmax if max_angular_edges is None else max_angular_edges
        super().__init__(
            types, cutoff, max_angular, max_radial, radial_gaussian_width, density_width,
            hidden, l_edges, n_radial, edge_orientations,
        )  # fmt: skip
        self.hyperparameters |= {
            "irreps_hidden": str(hidden),
            "n_layers": n_layers,
            "radial_layers": list(radial_layers),
        }
        n_types, irreps = len(self.types), self.irreps_features
        self.layers = torch.nn.ModuleList()
        for layer in range(n_layers):
            last = layer == n_layers - 1
            wanted = o3.Irreps([each for each in hidden if each.ir == o3.Irrep("0e") or not last])
            gates = o3.Irreps("0e") + hidden
            convolution = Convolution(
                irreps,
                self.edge_encoding.irreps_harmonics,
                "0e" if last else gates,
                self.edge_encoding.n_invariants,
                radial_layers,
            )
            self.layers.append(GatedConvolution(irreps, wanted, n_types, convolution))
            irreps = self.layers[-1].irreps_out
        n = irreps.count("0e")
        self.readout = FullyConnectedNet([n, n, 1], torch.nn.functional.silu)

    def network(
        self, h: Tensor, type_index: Tensor, edge_index: Tensor, edges: EdgeFeatures
    ) -> Tensor:
        for layer in self.layers:
            h = layer(
                h, type_index, edge_index, edges, self.n_neighbors
            )  # -> [particle, irreps_hidden.dim]
        return self.readout(h).squeeze(1)  # -> [particle]
