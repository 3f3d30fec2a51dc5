"""A network of gated convolutions, as in NequIP."""

from collections.abc import Sequence

import torch
from e3nn import o3
from e3nn.nn import FullyConnectedNet, Gate
from torch import Tensor
from typing_extensions import Unpack

from ..arguments import integer
from ..irreps_arguments import to_irreps
from ..nn import TypeLinear
from .convolution import Convolution, MessageLayer
from .edge_features import EdgeFeatures
from .message_passing import MessagePassingPotential
from .options import MessagePassingOptions


class GatedConvolution(MessageLayer):
    r"""Layer :math:`h_i' = \mathrm{gate}(W_{t_i} (h_i \oplus m_i))`, with messages m from the neighbours.

    Scalars go through an activation function, SiLU if even and tanh if odd. Each other channel is multiplied
    by its gate, the logistic function of a scalar of its own.

    Parameters
    ----------
    irreps_in : Irreps
        Irreps of h.
    irreps_wanted : Irreps
        Irreps of h'. Those that neither h nor the messages have are left out.
    n_types : int
        Number of particle types, each with a map W of its own.
    convolution : Convolution
        Source of the messages.
    """

    def __init__(
        self, irreps_in: o3.Irreps, irreps_wanted: o3.Irreps, n_types: int, convolution: Convolution
    ) -> None:
        super().__init__(convolution)
        linear_in = irreps_in + convolution.irreps_out
        possible = o3.Irreps([each for each in irreps_wanted if each.ir in linear_in])
        scalars = o3.Irreps([each for each in possible if each.ir.l == 0]).simplify()
        gated = o3.Irreps([each for each in possible if each.ir.l > 0])
        gates = o3.Irreps([(mul, "0e") for mul, _ in gated]).simplify()
        activations = [torch.nn.functional.silu if ir.p == 1 else torch.tanh for _, ir in scalars]
        self.gate = Gate(scalars, activations, gates, [torch.sigmoid] * len(gates), gated)
        self.linear = TypeLinear(linear_in, self.gate.irreps_in, n_types)
        self.irreps_out = self.gate.irreps_out

    def update(self, h: Tensor, messages: Tensor, type_index: Tensor) -> Tensor:
        mixed = self.linear(torch.cat([h, messages], dim=1), type_index)
        return self.gate(mixed)  # -> [particle, irreps_out.dim]


class NequIPStylePotential(MessagePassingPotential):
    r"""Gated equivariant convolutions on the density of ellipsoids, after NequIP.

    .. math::
        h_i^{(0)} = \mathrm{encoding}(o_i), \qquad
        h_i^{(k+1)} = \mathrm{gate}\left( W_{t_i}^{(k)} (h_i^{(k)} \oplus m_i^{(k)}) \right), \qquad
        E_i = E_{t_i} + s_{t_i} \left( \mathrm{readout}(h_i^{(n)}) + \varepsilon(o_i, c_i) \right)

    with AniSOAP's coefficients o of the particle's own density, encoded by :class:`ParticleEncoding`, and
    c of its neighbours' (:class:`DensityEnergy`), and messages m (:class:`Convolution`). The readout is a
    small network of the last layer's scalars. See Batzner et al., Nat. Commun. 13, 2453 (2022).

    Parameters
    ----------
    types, cutoff, **options
        See :class:`MessagePassingPotential`.
    irreps_hidden : Irreps or str
        Irreps of the features h, 0e among them.
    n_layers : int
        Number of layers, at least 1. Each sends messages once.

    Raises
    ------
    ValueError
        If `n_layers` is less than 1, `irreps_hidden` has no 0e, or another hyperparameter is out of range.

    Examples
    --------
    >>> potential = NequIPStylePotential([0], cutoff=4.0, irreps_hidden="8x0e + 8x1o", n_layers=1)
    >>> potential.irreps_features
    8x0e
    """

    density_layers = 2  # its messages have no products of features, which do as well

    def __init__(
        self,
        types: Sequence[int],
        cutoff: float,
        irreps_hidden: o3.Irreps | str = "32x0e + 16x1o + 16x2e",
        n_layers: int = 2,
        **options: Unpack[MessagePassingOptions],
    ) -> None:
        hidden = to_irreps("irreps_hidden", irreps_hidden)
        n_layers = integer("n_layers", n_layers)
        if n_layers < 1 or "0e" not in hidden:
            raise ValueError(
                f"found {n_layers=} and irreps_hidden={str(hidden)!r}, expected one layer or more, and 0e "
                "among the irreps, since energies are scalars"
            )
        super().__init__(types, cutoff, hidden, **options)
        self.hyperparameters |= {"irreps_hidden": str(hidden), "n_layers": n_layers}
        n_types, irreps = len(self.types), self.irreps_features
        self.layers = torch.nn.ModuleList()
        for layer in range(n_layers):
            last = layer == n_layers - 1
            wanted = o3.Irreps([each for each in hidden if each.ir == o3.Irrep("0e") or not last])
            gates = o3.Irreps("0e") + hidden
            convolution = self.build_convolution(irreps, "0e" if last else gates)
            self.layers.append(GatedConvolution(irreps, wanted, n_types, convolution))
            irreps = self.layers[-1].irreps_out
        n = irreps.count("0e")
        self.readout = FullyConnectedNet([n, n, 1], torch.nn.functional.silu)

    def network(
        self, h: Tensor, type_index: Tensor, edge_index: Tensor, edges: EdgeFeatures
    ) -> Tensor:
        for layer in self.layers:  # -> [particle, layer.irreps_out.dim]
            h = layer(h, type_index, edge_index, edges, self.n_neighbors)
        return self.readout(h).squeeze(1)  # -> [particle]
