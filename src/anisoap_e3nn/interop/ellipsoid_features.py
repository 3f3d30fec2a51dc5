"""Features of ellipsoids and of their edges, for the networks of other projects."""

from typing import Any

import torch
from e3nn import o3
from torch import Tensor

from ..geometry import covariances
from ..layer import Layer
from ..networks import EdgeEncoding, ParticleEncoding, Standardization
from ..nn import AniSOAPEmbedding, TypeLinear

_FIRST_GAIN = (
    0.1  # of what neighbours bring: hundreds of channels would hide what the particle itself says
)


class EllipsoidFeatures(Layer):
    r"""Features of particles: their own shape and orientation, and the density around them.

    .. math::
        h_i = W^{own}_{t_i} \left( \hat c^{own}_i \oplus 1 \right)
              + g \, W_{t_i} \left( \hat c_i \oplus \hat p(\hat c_i) \oplus 1 \right)

    with the coefficients c of :class:`~anisoap_e3nn.AniSOAPEmbedding`, among them those of the particle's own
    density, and their power spectrum p (:class:`~anisoap_e3nn.networks.ParticleEncoding`). The gain g is
    learned and starts at 0.1. Call :meth:`measure` on training data before the first step.

    Parameters
    ----------
    n_types : int
        Number of particle types, which count from 0.
    cutoff : float
        A length.
    irreps_wanted : Irreps or str
        Irreps of h. Those that the density lacks are left out.
    **embedding
        Hyperparameters of the :class:`~anisoap_e3nn.AniSOAPEmbedding`. By default `max_angular` is 6,
        `radial_gaussian_width` a quarter of the cutoff, `cutoff_function` "polynomial" and `include_self`
        "separate"; the last must not be changed.

    Attributes
    ----------
    irreps_out : Irreps
        Irreps of h.

    Raises
    ------
    ValueError
        If a hyperparameter is out of range, or `include_self` is not "separate".
    """

    own_components: Tensor

    def __init__(
        self, n_types: int, cutoff: float, irreps_wanted: o3.Irreps | str, **embedding: Any
    ) -> None:
        super().__init__()
        options = {
            "max_angular": 6,
            "radial_gaussian_width": cutoff / 4,
            "cutoff_function": "polynomial",
            "include_self": "separate",
            **embedding,
        }
        if options["include_self"] != "separate":
            raise ValueError(
                f"include_self is {options['include_self']!r}, expected 'separate': the network reads the "
                "particle's own density apart from its neighbours'; leave it out"
            )
        self.embedding = AniSOAPEmbedding(list(range(n_types)), cutoff, **options)
        irreps = self.embedding.irreps_out
        own, components = _own_channels(irreps, self.embedding.channels)
        self.register_constant("own_components", components)
        self.encoding = ParticleEncoding(irreps, irreps_wanted, n_types)
        self.irreps_out = self.encoding.irreps_out
        self.own_scales = Standardization(own)
        own_out = o3.Irreps([each for each in self.irreps_out if each.ir in own])
        self.own_linear = TypeLinear(own + o3.Irreps("1x0e"), own_out, n_types)
        self._own_slices = _slices_of(own_out, self.irreps_out)
        self.gain = torch.nn.Parameter(torch.tensor(_FIRST_GAIN))

    def coefficients(
        self,
        edge_vectors: Tensor,
        edge_index: Tensor,
        types: Tensor,
        orientations: Tensor,
        semiaxes: Tensor,
    ) -> Tensor:
        """Coefficients of the densities ``(N, embedding.irreps_out.dim)``; arguments as the embedding's."""
        coefficients: Tensor = self.embedding(
            edge_vectors, edge_index, types, orientations, semiaxes
        )
        return coefficients

    def forward(self, coefficients: Tensor, types: Tensor) -> Tensor:
        """Compute the features of every particle.

        Parameters
        ----------
        coefficients : Tensor ``(N, embedding.irreps_out.dim)``
            From :meth:`coefficients`.
        types : Tensor ``(N,)``, int64
            From 0 to n_types - 1.

        Returns
        -------
        Tensor ``(N, irreps_out.dim)``
        """
        h = self.gain * self.encoding(coefficients, types)  # -> [particle, irreps_out.dim]
        own = self.own_scales(coefficients.index_select(1, self.own_components))
        own = torch.cat([own, torch.ones_like(own[:, :1])], dim=1)  # -> [particle, own + 1]
        mixed = self.own_linear(own, types)  # -> [particle, own irreps of irreps_out]
        parts, start = [], 0
        for first, last, has_own in self._own_slices:
            part = h[:, first:last]
            if has_own:
                part = part + mixed[:, start : start + last - first]
                start += last - first
            parts.append(part)
        return torch.cat(parts, dim=1)  # -> [particle, irreps_out.dim]

    def measure(self, coefficients: Tensor) -> None:
        """Set means and scales from coefficients ``(N, embedding.irreps_out.dim)`` of training data."""
        self.encoding.fit(coefficients)
        self.own_scales.fit(coefficients.index_select(1, self.own_components))


class ShapeFeatures(Layer):
    r"""Features of particles from their own shape tensors alone, the baseline for :class:`EllipsoidFeatures`.

    .. math:: h_i = W_{t_i} \left( \hat \Sigma_i \oplus 1 \right)

    with :math:`\Sigma_i = R_i \, \mathrm{diag}(a_i^2) R_i^\top` as irreps 0e + 2e.

    Parameters
    ----------
    n_types : int
        Number of particle types, which count from 0.
    irreps_wanted : Irreps or str
        Irreps of h. Those other than 0e and 2e are left out.

    Attributes
    ----------
    irreps_out : Irreps
        Irreps of h.
    """

    change_of_basis: Tensor

    def __init__(self, n_types: int, irreps_wanted: o3.Irreps | str) -> None:
        super().__init__()
        shapes = o3.ReducedTensorProducts("ij=ji", i="1o")
        self.register_buffer("change_of_basis", shapes.change_of_basis.clone(), persistent=False)
        self.scales = Standardization(shapes.irreps_out)
        irreps = self.scales.irreps + o3.Irreps("1x0e")
        self.irreps_out = o3.Irreps(
            [each for each in o3.Irreps(irreps_wanted) if each.ir in irreps]
        )
        self.linear = TypeLinear(irreps, self.irreps_out, n_types)

    def coefficients(
        self,
        edge_vectors: Tensor,
        edge_index: Tensor,
        types: Tensor,
        orientations: Tensor,
        semiaxes: Tensor,
    ) -> Tensor:
        """Shape tensors as irreps ``(N, 6)``; edges and types do not matter."""
        shapes = covariances(orientations, semiaxes)  # -> [particle, 3, 3]
        return torch.einsum("nij,aij->na", shapes, self.change_of_basis)

    def forward(self, coefficients: Tensor, types: Tensor) -> Tensor:
        """Compute the features of every particle ``(N, irreps_out.dim)``; as :class:`EllipsoidFeatures`."""
        x = self.scales(coefficients)  # -> [particle, 6]
        features: Tensor = self.linear(torch.cat([x, torch.ones_like(x[:, :1])], dim=1), types)
        return features

    def measure(self, coefficients: Tensor) -> None:
        """Set means and scales from shape tensors ``(N, 6)`` of training data."""
        self.scales.fit(coefficients)


class EllipsoidEdgeFeatures(Layer):
    r"""Invariants of an edge that tell how both of its ellipsoids lie, without those of its length.

    They are :class:`~anisoap_e3nn.networks.EdgeEncoding`'s functions of the gap between the two surfaces and
    its invariants of both shapes. Multiply them by a function that vanishes at the cutoff.

    Parameters
    ----------
    cutoff : float
        A length.
    n_radial : int
        Number of functions of the gap.

    Attributes
    ----------
    n_features : int
        Number of invariants.
    """

    def __init__(self, cutoff: float, n_radial: int = 8) -> None:
        super().__init__()
        encoding = EdgeEncoding(cutoff, 0, n_radial, orientations=True)
        self.encoding, self._n_lengths = encoding, n_radial
        self.n_features = encoding.n_invariants - n_radial

    def invariants(
        self, edge_vectors: Tensor, edge_index: Tensor, orientations: Tensor, semiaxes: Tensor
    ) -> Tensor:
        """All invariants of the encoding, unscaled ``(edge, invariant)``; arguments as its `forward`."""
        return self.encoding.invariants(edge_vectors, edge_index, orientations, semiaxes)

    def forward(self, invariants: Tensor) -> Tensor:
        """Scale the invariants of :meth:`invariants`; those of the length are left out.

        Returns
        -------
        Tensor ``(edge, n_features)``
        """
        scaled: Tensor = self.encoding.standardization(invariants)
        return scaled[:, self._n_lengths :]

    def measure(self, invariants: Tensor) -> None:
        """Set the scales from invariants ``(edge, invariant)`` of training data."""
        self.encoding.standardization.fit(invariants)


def _own_channels(irreps: o3.Irreps, names: list[str]) -> tuple[o3.Irreps, Tensor]:
    """Irreps of the channels of the particle's own density, and their components among all."""
    own, components, channel, start = [], list[int](), 0, 0
    for mul, ir in irreps:
        chosen = [u for u in range(mul) if " own " in names[channel + u]]
        components += [start + u * ir.dim + m for u in chosen for m in range(ir.dim)]
        own.append((len(chosen), ir))
        channel, start = channel + mul, start + mul * ir.dim
    return o3.Irreps([each for each in own if each[0] > 0]), torch.tensor(components)


def _slices_of(some: o3.Irreps, irreps: o3.Irreps) -> list[tuple[int, int, bool]]:
    """First and last component of each entry of `irreps`, and whether it is among `some`."""
    return [
        (part.start, part.stop, ir in some)
        for part, (_, ir) in zip(irreps.slices(), irreps, strict=True)
    ]
