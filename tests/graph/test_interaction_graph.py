"""One graph at several cutoffs against a search for each, with and without a skin."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.graph import InteractionGraph, VerletList
from common import Ellipsoids
from searched_graphs import (
    CUTOFFS,
    assert_as_searched,
    assert_equal,
    configuration,
    moved,
    with_fields,
)

AXES = list(itertools.product([False, True], repeat=3))


@pytest.mark.parametrize("skin", [0.0, 0.7])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("pbc", AXES)
def test_every_cutoff_is_exact(
    pbc: Any, dtype: torch.dtype, skin: float, generator: torch.Generator
) -> None:
    for n, size in ((30, 9.0), (5, 2.5), (1, 1.2)):  # the latter with images of the particle itself
        data = configuration(generator, n, size, pbc)
        data = data.apply(lambda x: x.to(dtype) if x.is_floating_point() else x)
        graph = InteractionGraph(data, VerletList(max(CUTOFFS), skin))
        for cutoff in CUTOFFS:
            edges = graph.edges(cutoff)
            assert edges.edge_vectors.dtype == edges.edge_shifts.dtype == dtype
            assert_as_searched(edges, data, cutoff)
        assert graph.n_searches == 1


def test_equal_cutoffs_share_their_tensors(generator: torch.Generator) -> None:
    graph = InteractionGraph(configuration(generator), 4.0)
    for cutoff in (4.0, 3.0):
        a, b = graph.edges(cutoff), graph.edges(float(cutoff))
        assert a.edge_index is b.edge_index
        assert a.edge_shifts is b.edge_shifts
        assert a.edge_vectors is b.edge_vectors
        assert a.reverse is b.reverse


def test_without_a_request_there_is_no_search(generator: torch.Generator) -> None:
    broken = with_fields(configuration(generator), pos=torch.full((30, 3), torch.nan))
    graph = InteractionGraph(broken, 4.0)
    assert graph.n_searches == 0
    with pytest.raises(ValueError, match="finite"):
        graph.edges(4.0)


@pytest.mark.parametrize("skin", [0.0, 0.4])
def test_smaller_cutoffs_first(skin: float, generator: torch.Generator) -> None:
    data = configuration(generator)
    upwards, downwards = (InteractionGraph(data, VerletList(4.0, skin)) for _ in range(2))
    expected = {cutoff: downwards.edges(cutoff) for cutoff in sorted(CUTOFFS, reverse=True)}
    for cutoff in sorted(CUTOFFS):
        assert_equal(upwards.edges(cutoff), expected[cutoff])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("skin", [0.0, 0.25])
@pytest.mark.parametrize("spacing", [1.0, 0.7, 1.1])
def test_distances_equal_to_the_cutoff(spacing: float, skin: float, dtype: torch.dtype) -> None:
    """In a crystal, rounding decides whether a whole shell counts; decide as the search does."""
    sites = torch.tensor(list(itertools.product(range(4), repeat=3)), dtype=dtype)
    turn = torch.linalg.qr(torch.tensor([[1.0, 2, 3], [4, 5, 7], [2, 9, 1]], dtype=dtype))[0]
    for cell in (4 * spacing * torch.eye(3, dtype=dtype), 4 * spacing * turn):
        data = EllipsoidData(
            sites / 4 @ cell,
            torch.ones(64, 4, dtype=dtype),
            torch.ones(64, 3, dtype=dtype),
            [0] * 64,
            cell,
            True,
        )
        graph = InteractionGraph(data, VerletList(2.3 * spacing, skin))
        for shell in (1.0, 2.0**0.5, 3.0**0.5, 2.0, 5.0**0.5):
            assert_as_searched(graph.edges(shell * spacing), data, shell * spacing)


@pytest.mark.parametrize("skin", [0.0, 0.5])
def test_reverse_edges(skin: float, generator: torch.Generator) -> None:
    for n, size in ((30, 9.0), (4, 2.0), (1, 1.2)):
        graph = InteractionGraph(configuration(generator, n, size), VerletList(4.0, skin))
        for cutoff in (4.0, 3.0):
            edges = graph.edges(cutoff)
            reverse = edges.reverse
            assert len(reverse) > 0
            assert torch.equal(edges.edge_index[:, reverse], edges.edge_index.flip(0))
            assert torch.equal(edges.edge_shifts[reverse], -edges.edge_shifts)
            assert torch.equal(reverse[reverse], torch.arange(len(reverse)))
            torch.testing.assert_close(
                edges.edge_vectors[reverse], -edges.edge_vectors, rtol=0, atol=1e-13
            )


def test_shifts_of_any_size_are_sorted(generator: torch.Generator) -> None:
    """More than fits into one key of 63 bits."""
    data = configuration(generator, 6, 2.0)
    lattice_vectors = torch.randint(-4_000_000, 4_000_000, (6, 3), generator=generator).double()
    far = with_fields(data, pos=data.pos + lattice_vectors @ data.cell[0])
    near, edges = (InteractionGraph(x, VerletList(3.0, 0.1)).edges(3.0) for x in (data, far))
    lengths = [x.edge_vectors.norm(dim=1).sort().values for x in (near, edges)]
    torch.testing.assert_close(*lengths, rtol=0, atol=1e-7)
    neighbor, center = edges.edge_index
    columns = torch.stack([center, data.types[neighbor], neighbor], dim=1)
    ordered = torch.cat([columns, edges.edge_shifts.long()], dim=1).tolist()
    assert ordered == sorted(ordered)
    assert torch.equal(edges.edge_index[:, edges.reverse], edges.edge_index.flip(0))
    assert torch.equal(edges.edge_shifts[edges.reverse], -edges.edge_shifts)


@pytest.mark.parametrize("skin", [0.0, 0.5])
def test_a_batch_is_its_frames(skin: float, generator: torch.Generator) -> None:
    frames = [
        configuration(generator, 8, 4.0),
        configuration(generator, 0, 4.0, False),
        configuration(generator, 1, 1.2),
        configuration(generator, 12, 6.0, False),
    ]
    batch = Batch.from_data_list(frames)
    neighbors = VerletList(4.0, skin)
    for _ in range(2):
        graph = InteractionGraph(batch, neighbors)
        for cutoff in CUTOFFS:
            edges = graph.edges(cutoff)
            assert_as_searched(edges, batch, cutoff)
            assert torch.equal(edges.edge_index[:, edges.reverse], edges.edge_index.flip(0))
            of_frames = [InteractionGraph(x, 4.0).edges(cutoff) for x in batch.to_data_list()]
            assert edges.edge_index.shape[1] == sum(x.edge_index.shape[1] for x in of_frames)
        batch = moved(batch, skin / 2.1, generator)
    assert neighbors.n_searches == 1


@pytest.mark.parametrize("skin", [0.0, 0.5])
@pytest.mark.parametrize("n", [0, 1])
def test_few_particles(n: int, skin: float, generator: torch.Generator) -> None:
    graph = InteractionGraph(configuration(generator, n, pbc=False), VerletList(4.0, skin))
    for cutoff in CUTOFFS:
        edges = graph.edges(cutoff)
        assert edges.edge_index.shape == (2, 0)
        assert edges.edge_vectors.shape == edges.edge_shifts.shape == (0, 3)
        assert edges.reverse.shape == (0,)


@pytest.mark.parametrize("skin", [0.0, 0.5])
def test_vectors_are_differentiable(skin: float, generator: torch.Generator) -> None:
    """In positions and strained cells, at all cutoffs together, with a list that is kept too."""
    data = configuration(generator, 5, 2.5)
    neighbors = VerletList(3.0, skin)

    def of_inputs(pos: Tensor, strain: Tensor) -> Tensor:
        deformation = torch.eye(3, dtype=torch.float64) + strain
        strained = with_fields(data, pos=pos @ deformation, cell=data.cell @ deformation)
        graph = InteractionGraph(strained, neighbors)
        total = pos.new_zeros(())
        for cutoff in (2.0, 3.0):
            x, y, z = graph.edges(cutoff).edge_vectors.unbind(1)
            total = total + (x * y.exp() / (1 + z * z)).sum()
        return total

    pos = data.pos.requires_grad_()
    strain = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(of_inputs, (pos, strain))
    assert torch.autograd.gradgradcheck(of_inputs, (pos, strain))


def test_edges_of_the_data_are_taken(generator: torch.Generator) -> None:
    plain = configuration(generator)
    data = plain.with_edges(4.0)
    graph = InteractionGraph(data, 4.0)
    assert graph.edges(4.0).edge_index is data.edge_index
    for cutoff in CUTOFFS:
        assert_as_searched(graph.edges(cutoff), data, cutoff)
    for cutoff in (3.9, 2.0):  # none of which they were searched with
        assert_as_searched(InteractionGraph(data, 3.9).edges(cutoff), data, cutoff)
    batch = Batch.from_data_list([data, plain.with_edges(5.0), plain.with_edges(4.5)])
    assert_as_searched(InteractionGraph(batch, 4.0).edges(4.0), batch, 4.0)
    del data.edge_cutoff
    assert_as_searched(InteractionGraph(data, 3.0).edges(3.0), data, 3.0)
    del data.edge_shifts
    inside = InteractionGraph(data, 3.0).edges(3.0)
    assert not inside.edge_shifts.any()
    assert (inside.edge_vectors.norm(dim=1) < 3.0).all()
    assert graph.n_searches == 0
    with pytest.raises(ValueError, match=r"searched up to 4.0, .* up to 4.5"):
        InteractionGraph(batch, 4.5)
    data.pos[0, 0] = torch.nan
    with pytest.raises(ValueError, match="finite"):
        InteractionGraph(data, 3.0).edges(2.0)


def test_embeddings_of_one_graph(ellipsoids: Ellipsoids, backend: str) -> None:
    """Each gives what it gives with a search of its own."""
    e = ellipsoids
    data = EllipsoidData(e.positions, e.orientations, e.semiaxes, e.types, e.cell, e.pbc)
    graph = InteractionGraph(data, VerletList(4.0, 0.3))
    for cutoff in (4.0, 2.8):
        embedding = AniSOAPEmbedding([6, 1], cutoff, 3, radial_gaussian_width=1.2).double()
        edges = graph.edges(cutoff)
        shared = embedding(
            edges.edge_vectors, edges.edge_index, e.types, e.orientations, e.semiaxes
        )
        torch.testing.assert_close(shared, embedding(data), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("cutoff", [4.1, 0.0, -1.0, float("nan")])
def test_other_cutoffs_are_refused(cutoff: float, generator: torch.Generator) -> None:
    graph = InteractionGraph(configuration(generator), 4.0)
    with pytest.raises(ValueError, match=f"cutoff is {cutoff}, expected .* at most 4.0"):
        graph.edges(cutoff)
