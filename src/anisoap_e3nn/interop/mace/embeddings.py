"""First features of particles and of edges, in the places where MACE has its own."""

from abc import abstractmethod
from collections.abc import Iterable

import torch
from mace.modules.utils import get_edge_vectors_and_lengths
from torch import Tensor

from ..ellipsoid_features import (
    EllipsoidEdgeFeatures,
    EllipsoidFeatures,
    EllipsoidInputs,
    ShapeFeatures,
)

DENSITY_ENERGY = "density_energy"


class GraphReader(torch.nn.Module):
    """A module that MACE calls without the graph, which the model therefore sets for the time of a call.

    Attributes
    ----------
    graph : dict
        MACE's data of the call: positions and shifts are the strained ones.
    """

    graph: dict[str, Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.graph = {}


class MeasuredReader(GraphReader):
    """A reader whose features are scaled as measured on training data.

    Attributes
    ----------
    measured : Tensor ``()``, bool
        Whether scales were set.
    """

    measured: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("measured", torch.tensor(False))

    @torch.no_grad()
    def measure(self, graphs: Iterable[dict[str, Tensor]]) -> None:
        """Set the scales from batches of training data."""
        self.measure_features(torch.cat([self.raw_features(graph) for graph in graphs]))
        self.measured.fill_(True)

    @abstractmethod
    def raw_features(self, graph: dict[str, Tensor]) -> Tensor:
        """Features before they are scaled."""

    @abstractmethod
    def measure_features(self, features: Tensor) -> None:
        """Set the scales from raw features."""


def ellipsoid_inputs(graph: dict[str, Tensor]) -> EllipsoidInputs:
    """Take ellipsoids and edges from MACE's data.

    The rows of MACE's ``edge_index`` are senders (neighbours) and receivers (centres), as ours. Its vectors
    are receiver - sender. Ours are minus these, from the centre to the neighbour.
    """
    vectors, _ = get_edge_vectors_and_lengths(
        graph["positions"], graph["edge_index"], graph["shifts"]
    )
    return EllipsoidInputs(
        -vectors,
        graph["edge_index"],
        graph["node_attrs"].argmax(dim=1),
        graph["orientations"],
        graph["semiaxes"],
    )


class EllipsoidNodeEmbedding(MeasuredReader):
    """The density of ellipsoids, or their shape tensors alone, in the place of MACE's embedding of elements.

    The energies of the density around them are kept in the graph for :class:`DensityEnergyTerm`.

    Parameters
    ----------
    features : EllipsoidFeatures or ShapeFeatures
    """

    def __init__(self, features: EllipsoidFeatures | ShapeFeatures) -> None:
        super().__init__()
        self.features = features
        self.irreps_out = features.irreps_out

    def forward(self, node_attrs: Tensor) -> Tensor:
        """Features ``(N, irreps_out.dim)`` of the particles of `graph`."""
        coefficients, types = self.raw_features(self.graph), node_attrs.argmax(dim=1)
        if isinstance(self.features, EllipsoidFeatures):
            self.graph[DENSITY_ENERGY] = self.features.energies(coefficients, types)
        features: Tensor = self.features(coefficients, types)
        return features

    def raw_features(self, graph: dict[str, Tensor]) -> Tensor:
        """Coefficients of the densities, or shape tensors ``(N, coefficient)``."""
        return self.features.coefficients(ellipsoid_inputs(graph))

    def measure_features(self, features: Tensor) -> None:
        """Set the scales from coefficients ``(N, coefficient)``."""
        self.features.measure(features)


class DensityEnergyTerm(GraphReader):
    """The energy of the density around each particle, in the place of MACE's repulsion of pairs.

    MACE adds what stands there to what its readouts give.

    Parameters
    ----------
    repulsion : Module, optional
        MACE's repulsion of pairs, if it was asked for, which is added.
    """

    def __init__(self, repulsion: torch.nn.Module | None) -> None:
        super().__init__()
        self.repulsion = repulsion

    def forward(self, lengths: Tensor, *others: Tensor) -> Tensor:
        """Energies ``(N,)``; arguments as of MACE's repulsion."""
        energies = self.graph[DENSITY_ENERGY]
        return energies if self.repulsion is None else energies + self.repulsion(lengths, *others)


class EllipsoidRadialEmbedding(MeasuredReader):
    """MACE's radial features, and behind them how both ellipsoids of each edge lie.

    Parameters
    ----------
    radial : Module
        MACE's radial embedding.
    r_max : float
        Cutoff, a length.

    Attributes
    ----------
    out_dim : int
        Number of features.
    """

    def __init__(self, radial: torch.nn.Module, r_max: float) -> None:
        super().__init__()
        self.radial = radial
        self.features = EllipsoidEdgeFeatures(r_max)
        self.out_dim = int(radial.out_dim) + self.features.n_features  # type: ignore[arg-type]

    def forward(
        self, lengths: Tensor, node_attrs: Tensor, edge_index: Tensor, atomic_numbers: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Features ``(edge, out_dim)`` and MACE's cutoff; arguments as of MACE's radial embedding."""
        of_lengths, cutoff = self.radial(lengths, node_attrs, edge_index, atomic_numbers)
        of_shapes = self.features(self.raw_features(self.graph))  # -> [edge, n_features]
        of_shapes = of_shapes * self.features.encoding.envelope(lengths)
        return torch.cat([of_lengths, of_shapes], dim=1), cutoff

    def raw_features(self, graph: dict[str, Tensor]) -> Tensor:
        """Invariants of the edges ``(edge, invariant)``."""
        vectors, edge_index, _, orientations, semiaxes = ellipsoid_inputs(graph)
        return self.features.invariants(vectors, edge_index, orientations, semiaxes)

    def measure_features(self, features: Tensor) -> None:
        """Set the scales from invariants ``(edge, invariant)``."""
        self.features.measure(features)
