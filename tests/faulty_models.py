"""A model with a fault: what the checks have to find."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from anisoap_e3nn.geometry import covariances, rotation_matrices
from anisoap_e3nn.graph import Edges, edges_of
from anisoap_e3nn.potentials import Mechanics, mechanics
from model_fixtures import CUTOFF


class Plus(torch.nn.Module):
    """A right model and a term that is not."""

    cutoff = CUTOFF

    def __init__(self, model: torch.nn.Module, term: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.model, self.term = model, term

    def forward(self, data: Any) -> Tensor:
        return self.model(data) + self.term(data)


class WithDerivatives(torch.nn.Module):
    """A right model with mechanics of its own that are not."""

    cutoff = CUTOFF

    def __init__(
        self, model: torch.nn.Module, change: Callable[[Mechanics, Any], dict[str, Tensor]]
    ) -> None:
        super().__init__()
        self.model, self.change = model, change

    def forward(self, data: Any) -> Tensor:
        return self.model(data)

    def derivatives(self, data: Any, edges: Edges | None = None) -> Mechanics:
        result = mechanics(self.model, data, create_graph=True)
        return result._replace(**self.change(result, data))


def pair_term(
    energy: Callable[[Tensor], Tensor], cutoff: float = CUTOFF
) -> Callable[[Any], Tensor]:
    """Halves of pair energies, from distances and a sign of orientation."""

    def term(data: Any) -> Tensor:
        edges = edges_of(data, cutoff)
        neighbors, centers = edges.edge_index
        r = edges.edge_vectors.norm(dim=1)
        shapes = covariances(data.orientations, data.semiaxes)
        n = edges.edge_vectors / r[:, None]
        thickness = torch.einsum("ea,eab,eb->e", n, shapes[neighbors] + shapes[centers], n)
        halves = energy(r) * (1 + thickness) / 2
        return torch.zeros_like(data.pos[:, 0]).index_add(0, centers, halves)

    return term


def neighborhoods(data: Any, weights: Callable[[Tensor], Tensor]) -> Tensor:
    """Sums of weighted vectors to the neighbours (N, 3), which fade towards the cutoff."""
    edges = edges_of(data, CUTOFF)
    r = edges.edge_vectors.norm(dim=1, keepdim=True)
    vectors = weights(r) * (1 - r / CUTOFF) ** 3 * edges.edge_vectors
    return torch.zeros_like(data.pos).index_add(0, edges.edge_index[1], vectors)


def height(data: Any) -> Tensor:
    return 1e-6 * data.pos[:, 2].sin()


def alignment_with_the_lab(data: Any) -> Tensor:
    return 1e-6 * rotation_matrices(data.orientations)[:, 2, 0].square() * data.semiaxes[:, 0]


def chirality(data: Any) -> Tensor:
    """A triple product."""
    a, b = neighborhoods(data, torch.ones_like), neighborhoods(data, torch.square)
    c = torch.einsum("iab,ib->ia", covariances(data.orientations, data.semiaxes), a)
    return 1e-4 * torch.linalg.det(torch.stack([a, b, c], 1))


def heads_and_tails(data: Any) -> Tensor:
    """Axes that point somewhere, as if an end of an ellipsoid were marked."""
    axes = rotation_matrices(data.orientations)[:, :, 0]
    edges = edges_of(data, CUTOFF)
    neighbors, centers = edges.edge_index
    fade = (1 - edges.edge_vectors.norm(dim=1) / CUTOFF) ** 3
    products = 1e-6 * fade * (axes[neighbors] * axes[centers]).sum(1)
    return torch.zeros_like(data.pos[:, 0]).index_add(0, centers, products)


def norms_of_quaternions(data: Any) -> Tensor:
    return 1e-6 * data.orientations.norm(dim=1)


def unshifted_vectors(data: Any) -> Tensor:
    """As if every neighbour were in the same cell."""
    neighbors, centers = data.edge_index
    distances = (data.pos[neighbors] - data.pos[centers]).square().sum(1)
    return torch.zeros_like(data.pos[:, 0]).index_add(0, centers, 1e-6 * torch.exp(-distances / 50))


def places_in_the_list(data: Any) -> Tensor:
    return 1e-6 * torch.arange(len(data.pos)).to(data.pos)
