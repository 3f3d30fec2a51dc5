"""Contact distances and pair coordinates, against torch.linalg and autograd."""

import pytest
import torch
from torch import Tensor

from anisoap_e3nn.geometry import covariances, quaternions_to_matrices, torques_of_gradient
from anisoap_e3nn.geometry.contact import contact_of_pairs
from anisoap_e3nn.geometry.pair_coordinates import (
    PairCoordinates,
    PairGeometry,
    pair_coordinates,
    shape_matrices,
)
from anisoap_e3nn.geometry.vector_algebra import (
    apply,
    components_first,
    cross,
    dot,
    solve,
    square,
    trace_of_product,
)

N = 50


@pytest.fixture
def vectors(generator: torch.Generator) -> Tensor:
    return torch.randn(N, 3, dtype=torch.float64, generator=generator)


@pytest.fixture
def particles(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Quaternions and semi-axes of the first particles, then of the second ones."""
    quaternions = torch.randn(2 * N, 4, dtype=torch.float64, generator=generator)
    return quaternions, 0.2 + torch.rand(2 * N, 3, dtype=torch.float64, generator=generator)


def test_products_are_those_of_torch(vectors: Tensor, particles: tuple[Tensor, Tensor]) -> None:
    first, second = covariances(*particles).split(N)
    a, b, v = components_first(first), components_first(second), components_first(vectors)
    images, determinants = (first @ vectors[..., None]).squeeze(-1), torch.linalg.det(first)
    assert a.is_contiguous()
    torch.testing.assert_close(apply(a, v), images.T)
    torch.testing.assert_close(dot(v, v), vectors.square().sum(1))
    torch.testing.assert_close(square(a), components_first(first @ first))
    torch.testing.assert_close(trace_of_product(a, b), torch.einsum("nab,nba->n", first, second))
    torch.testing.assert_close(cross(apply(a, v), v), torch.linalg.cross(images, vectors).T)
    columns = torch.linalg.cross(first, second, dim=1)
    torch.testing.assert_close(cross(a, b), components_first(columns))
    solutions, found = solve(a, v)
    torch.testing.assert_close(solutions.T, torch.linalg.solve(first, vectors))
    torch.testing.assert_close(found, determinants)


def test_contact_distance(vectors: Tensor, particles: tuple[Tensor, Tensor]) -> None:
    directions = vectors / vectors.norm(dim=1, keepdim=True)
    shapes = covariances(*particles).unflatten(0, (2, N)).sum(0)
    contact = contact_of_pairs(components_first(directions), components_first(shapes))
    inverse = torch.linalg.inv(shapes)
    form = torch.einsum("na,nab,nb->n", directions, inverse, directions)
    torch.testing.assert_close(contact.distances, (0.5 * form) ** -0.5)
    torch.testing.assert_close(contact.determinants, torch.linalg.det(shapes))
    torch.testing.assert_close(contact.normals.T, (inverse @ directions[..., None]).squeeze(-1))


def test_coordinates_of_spheres(vectors: Tensor, particles: tuple[Tensor, Tensor]) -> None:
    spheres = shape_matrices(particles[0], torch.full_like(particles[1], 0.7), 0.0)
    found = pair_coordinates(vectors.T, spheres[..., :N], spheres[..., N:])
    torch.testing.assert_close(found.distances, vectors.norm(dim=1))
    torch.testing.assert_close(found.contacts, torch.full_like(found.contacts, 1.4))
    assert found.invariants.abs().max() < 1e-12


def test_invariants_are_their_formulas(vectors: Tensor, particles: tuple[Tensor, Tensor]) -> None:
    first, second = shape_matrices(*particles, 0.0).split(N, dim=2)
    found = pair_coordinates(vectors.T, first, second).invariants
    n = vectors / vectors.norm(dim=1, keepdim=True)
    Q, S = (
        3 * G / G.diagonal(dim1=1, dim2=2).sum(1)[:, None, None] - torch.eye(3, dtype=G.dtype)
        for G in (first.permute(2, 0, 1), second.permute(2, 0, 1))
    )
    forms = [Q, S, Q @ Q, S @ S, Q @ S, None, Q @ Q @ S, Q @ S @ S, Q @ S @ Q, S @ Q @ S]
    forms += [None, None, Q @ Q @ S @ S, None]
    traces = {5: Q @ S, 10: Q @ Q @ S, 11: Q @ S @ S, 13: Q @ Q @ S @ S}
    for i, form in enumerate(forms):
        if form is None:
            expected = traces[i].diagonal(dim1=1, dim2=2).sum(1)
        else:
            expected = torch.einsum("na,nab,nb->n", n, form, n)
        torch.testing.assert_close(found[i], expected)


def test_derivatives_are_those_of_autograd(
    vectors: Tensor, particles: tuple[Tensor, Tensor], generator: torch.Generator
) -> None:
    quaternions, semiaxes = particles
    rotations = quaternions_to_matrices(quaternions).requires_grad_()
    leaf = components_first(vectors).requires_grad_()
    shapes = shape_matrices(rotations, semiaxes, 0.1)
    geometry = PairGeometry(leaf, shapes.unflatten(2, (2, N)))
    coordinates = geometry.coordinates
    gradient = PairCoordinates(
        *(torch.randn(x.shape, dtype=x.dtype, generator=generator) for x in coordinates)
    )
    total = sum((x * y).sum() for x, y in zip(coordinates, gradient, strict=True))
    d_vectors, d_rotations = torch.autograd.grad(total, (leaf, rotations))
    torques = torques_of_gradient(rotations, d_rotations).detach()
    found = geometry.pull_back(gradient)
    torch.testing.assert_close(found.vectors.detach(), d_vectors)
    torch.testing.assert_close(found.first_rotations.detach(), -torques[:N].T)
    torch.testing.assert_close(found.second_rotations.detach(), -torques[N:].T)
