"""Features of ellipsoids and of their edges, for the networks of other projects."""

from typing import Any

import torch
from e3nn import o3
from torch import Tensor

from ..geometry import covariances
from ..layer import Layer
from ..networks import EdgeEncoding, Standardization
from ..nn import AniSOAPEmbedding, TypeLinear
from .separate_encoding import SeparateEncoding


class EllipsoidFeatures(Layer):
    r"""Features of particles: their own shape and orientation, and the density around them.

    The coefficients of :class:`~anisoap_e3nn.AniSOAPEmbedding`, with the particle's own density apart, are
    encoded by :class:`SeparateEncoding`. Call :meth:`measure` on training data before the first step.

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
        `max_radial` 4, `radial_gaussian_width` an eighth of the cutoff, `density_width` 0.3,
        `cutoff_function` "polynomial" and `include_self` "separate"; the last must not be changed.

    Attributes
    ----------
    irreps_out : Irreps
        Irreps of h.

    Raises
    ------
    ValueError
        If a hyperparameter is out of range, or `include_self` is not "separate".
    """

    def __init__(
        self, n_types: int, cutoff: float, irreps_wanted: o3.Irreps | str, **embedding: Any
    ) -> None:
        super().__init__()
        options = {
            "max_angular": 6,
            "max_radial": 4,
            "radial_gaussian_width": cutoff / 8,
            "density_width": 0.3,
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
        density = self.embedding.irreps_out
        self.irreps_out = o3.Irreps(
            [each for each in o3.Irreps(irreps_wanted) if each.ir in density]
        )
        self.encoding = SeparateEncoding(self.embedding.density_channels, self.irreps_out, n_types)

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
        features: Tensor = self.encoding(coefficients, types)
        return features  # -> [particle, irreps_out.dim]

    def measure(self, coefficients: Tensor) -> None:
        """Set means and scales from coefficients ``(N, embedding.irreps_out.dim)`` of training data."""
        self.encoding.fit(coefficients)


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
