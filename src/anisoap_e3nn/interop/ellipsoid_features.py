"""Features of ellipsoids and of their edges, for the networks of other projects."""

from collections.abc import Mapping
from inspect import signature
from typing import Any, NamedTuple

import torch
from e3nn import o3
from torch import Tensor

from ..arguments import nearest
from ..geometry import covariances
from ..layer import Layer
from ..networks import DensityEnergy, EdgeEncoding, ParticleEncoding, Standardization
from ..nn import AniSOAPEmbedding, TypeLinear
from .random_numbers import own_random_numbers

# chosen among 0, 0.5 and 1 by validation errors in nequip: pairs suffer from 0, fluids from 1
_SIZE_OF_TYPES = 0.5
_OF_THE_HOST = ("types", "cutoff")  # hyperparameters that its model settles


class EllipsoidInputs(NamedTuple):
    """The five tensors that :class:`~anisoap_e3nn.AniSOAPEmbedding` takes."""

    edge_vectors: Tensor  # [edge, 3], neighbour - centre
    edge_index: Tensor  # [2, edge], neighbours and centres
    types: Tensor  # [particle]
    orientations: Tensor  # [particle, 4]
    semiaxes: Tensor  # [particle, 3]


def refuse_unknown_hyperparameters(embedding: Mapping[str, Any]) -> None:
    """Check the names of an embedding's hyperparameters that a configuration gives.

    Raises
    ------
    ValueError
        If one is unknown, or is given by the host's model: its types and its cutoff.
    """
    known = [name for name in signature(AniSOAPEmbedding).parameters if name not in _OF_THE_HOST]
    for name in embedding:
        if name in _OF_THE_HOST:
            raise ValueError(
                f"found {name!r} in embedding, expected it from the model, whose {name} it has; leave it out"
            )
        if name not in known:
            raise ValueError(
                f"found the unknown hyperparameter {name!r} in embedding; {nearest(name, known)}"
            )


class EllipsoidFeatures(Layer):
    r"""Features of particles: their own shape and orientation; and energies, of the density around them.

    .. math:: o_i \oplus c_i = \mathrm{AniSOAP}(i), \qquad h_i = \mathrm{encoding}(o_i) + \tfrac12 b_{t_i},
              \qquad \varepsilon_i = \varepsilon(o_i, c_i)

    with the coefficients o of the particle's own density and c of its neighbours', encoded by
    :class:`~anisoap_e3nn.networks.ParticleEncoding` and :class:`~anisoap_e3nn.networks.DensityEnergy`. The
    scalars b of each type are of unit size at first and act on h's scalars alone. The encoding's scalars do
    not suffice: if all particles have one shape, they are constant and small. The host's network starts from
    h, and the energies are added to what it reads out. Call :meth:`measure` on training data before the first
    step.

    Parameters
    ----------
    n_types : int
        Number of particle types, which count from 0.
    cutoff : float
        A length.
    irreps_wanted : Irreps or str
        Irreps of h. Those that a particle's own density lacks are left out; it has even l only.
    **embedding
        Hyperparameters of the :class:`~anisoap_e3nn.AniSOAPEmbedding`. By default `max_angular` is 6,
        `max_radial` 4, `radial_gaussian_width` an eighth of the cutoff, `density_width` 0.6,
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

    scalars: Tensor

    @own_random_numbers()  # the host's layers draw the same weights behind any first features
    def __init__(
        self, n_types: int, cutoff: float, irreps_wanted: o3.Irreps | str, **embedding: Any
    ) -> None:
        super().__init__()
        options = {
            "max_angular": 6,
            "max_radial": 4,
            "radial_gaussian_width": cutoff / 8,
            "density_width": 0.6,
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
        self.channels, wanted = self.embedding.density_channels, o3.Irreps(irreps_wanted)
        own, neighbors = self.channels.irreps_own, self.channels.irreps_neighbors
        self.irreps_out = o3.Irreps([each for each in wanted if each.ir in own])
        self.encoding = ParticleEncoding(own, self.irreps_out, n_types)
        scalars = [ir.is_scalar() for mul, ir in self.irreps_out for _ in range(mul * ir.dim)]
        self.register_buffer("scalars", torch.tensor(scalars).nonzero()[:, 0], persistent=False)
        self.type_scalars = torch.nn.Embedding(n_types, len(self.scalars))
        self.energy = DensityEnergy(own, neighbors, max(1, wanted.count("0e")), n_types)

    def coefficients(self, inputs: EllipsoidInputs) -> Tensor:
        """Coefficients of the densities ``(N, embedding.irreps_out.dim)``."""
        coefficients: Tensor = self.embedding(*inputs)
        return coefficients

    def forward(self, coefficients: Tensor, types: Tensor) -> Tensor:
        """Compute the features h of every particle.

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
        own, _ = self.channels.split(coefficients)
        features: Tensor = self.encoding(own, types)
        features = features.index_add(1, self.scalars, _SIZE_OF_TYPES * self.type_scalars(types))
        return features  # -> [particle, irreps_out.dim]

    def energies(self, coefficients: Tensor, types: Tensor) -> Tensor:
        """Compute the energies ``(N,)`` of the particles in their neighbours' density; as :meth:`forward`."""
        energies: Tensor = self.energy(*self.channels.split(coefficients), types)
        return energies

    def measure(self, coefficients: Tensor) -> None:
        """Set means and scales from coefficients ``(N, embedding.irreps_out.dim)`` of training data."""
        own, neighbors = self.channels.split(coefficients)
        self.encoding.fit(own)
        self.energy.fit(own, neighbors)


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

    @own_random_numbers()
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

    def coefficients(self, inputs: EllipsoidInputs) -> Tensor:
        """Shape tensors as irreps ``(N, 6)``; edges and types do not matter."""
        shapes = covariances(inputs.orientations, inputs.semiaxes)  # -> [particle, 3, 3]
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
