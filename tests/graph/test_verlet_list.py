"""Lists that are kept within a skin against a search for each step."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch_geometric.data import Batch

from anisoap_e3nn.graph import InteractionGraph, VerletList
from searched_graphs import (
    CUTOFFS,
    assert_as_searched,
    assert_equal,
    configuration,
    moved,
    with_fields,
)


@pytest.mark.parametrize("pbc", [False, True, (True, False, True)])
def test_within_the_skin_nothing_is_searched_for(pbc: Any, generator: torch.Generator) -> None:
    start = configuration(generator, 40, 5.0, pbc)
    skin = 0.6
    aged = VerletList(4.0, skin)
    InteractionGraph(start, aged).edges(2.5)
    for step in range(12):
        now = moved(start, skin / 2 * (1 - 1e-5) * (step + 1) / 12, generator)
        graph = InteractionGraph(now, aged)
        fresh = InteractionGraph(now, VerletList(4.0, skin))
        for cutoff in CUTOFFS:
            edges = graph.edges(cutoff)
            assert_as_searched(edges, now, cutoff)
            assert_equal(edges, fresh.edges(cutoff))  # in the same order too
            assert torch.equal(edges.reverse, fresh.edges(cutoff).reverse)
    assert aged.n_searches == 1


def test_a_walk_across_the_cell(generator: torch.Generator) -> None:
    """Positions run on where they leave the cell; searches are few and exact all the same."""
    data = configuration(generator, 20, 4.0)
    neighbors = VerletList(3.0, 0.5)
    velocities = torch.randn(20, 3, dtype=torch.float64, generator=generator)
    searches = []
    for _ in range(60):
        data = with_fields(data, pos=data.pos + 0.03 * velocities)
        graph = InteractionGraph(data, neighbors)
        assert_as_searched(graph.edges(3.0), data, 3.0)
        assert_as_searched(graph.edges(2.0), data, 2.0)
        searches.append(graph.n_searches)
    assert 5 < searches[-1] < 40


def test_a_pair_that_meets_head_on() -> None:
    """The worst that can happen within the skin."""
    cutoff, skin = 2.0, 0.8
    pair = torch.zeros(2, 3, dtype=torch.float64)
    pair[1, 0] = cutoff + skin - 1e-4
    data = SimpleNamespace(pos=pair.clone())
    neighbors = VerletList(cutoff, skin)
    assert InteractionGraph(data, neighbors).edges(cutoff).edge_index.shape == (2, 0)
    step = torch.tensor([0.5 * skin - 1e-5, 0.0, 0.0], dtype=torch.float64)
    data.pos += torch.stack([step, -step])  # in place, as an integrator may
    assert InteractionGraph(data, neighbors).edges(cutoff).edge_index.shape == (2, 2)
    assert neighbors.n_searches == 1
    data.pos += torch.stack([step, -step]) / 20
    assert InteractionGraph(data, neighbors).edges(cutoff).edge_index.shape == (2, 2)
    assert neighbors.n_searches == 2


def test_whatever_else_changes_means_a_search(generator: torch.Generator) -> None:
    data = configuration(generator, 10)
    neighbors = VerletList(3.0, 0.5)
    InteractionGraph(data, neighbors).edges(3.0)
    far = data.pos.clone()
    far[3, 1] += 0.2501
    others = [
        data,
        with_fields(data, pos=far),
        data,
        with_fields(data, cell=data.cell * (1 + 1e-12)),
        with_fields(data, pbc=torch.tensor([[True, False, True]])),
        with_fields(data, types=1 - data.types),
        configuration(generator, 11),
        data.clone().apply(lambda x: x.float() if x.is_floating_point() else x),
        Batch.from_data_list([data]),
        Batch.from_data_list([configuration(generator, 4), configuration(generator, 6)]),
        Batch.from_data_list([configuration(generator, 6), configuration(generator, 4)]),
    ]
    for n, other in enumerate(others):
        assert_as_searched(InteractionGraph(other, neighbors).edges(3.0), other, 3.0)
        assert neighbors.n_searches == n + 1
        InteractionGraph(other.clone(), neighbors).edges(3.0)  # the same once more
        assert neighbors.n_searches == n + 1


def test_without_a_skin_the_same_positions_are_searched_once(generator: torch.Generator) -> None:
    data = configuration(generator)
    neighbors = VerletList(4.0)
    for _ in range(3):
        assert_as_searched(InteractionGraph(data, neighbors).edges(4.0), data, 4.0)
    assert neighbors.n_searches == 1
    data = with_fields(data, pos=data.pos + 1e-14)
    assert_as_searched(InteractionGraph(data, neighbors).edges(4.0), data, 4.0)
    assert neighbors.n_searches == 2


def test_a_strain_means_a_search(generator: torch.Generator) -> None:
    """Even one so small that no particle moves by half the skin: images do."""
    data = configuration(generator, 4, 2.0)
    neighbors = VerletList(6.0, 0.1)
    for k in range(4):
        strain = torch.eye(3, dtype=torch.float64) * (1 - 0.01 * k)
        strained = with_fields(data, cell=data.cell @ strain)
        assert_as_searched(InteractionGraph(strained, neighbors).edges(6.0), strained, 6.0)
        assert neighbors.n_searches == k + 1


@pytest.mark.parametrize("length", [-1.0, float("nan"), float("inf")])
def test_lengths_that_make_no_sense_are_refused(length: float) -> None:
    with pytest.raises(ValueError, match=f"cutoff is {length}"):
        VerletList(length)
    with pytest.raises(ValueError, match=f"skin is {length}"):
        VerletList(1.0, length)


def test_a_kept_list_does_not_hide_broken_positions(generator: torch.Generator) -> None:
    data = configuration(generator)
    neighbors = VerletList(3.0, 0.5)
    InteractionGraph(data, neighbors).edges(3.0)
    data.pos[7, 2] = torch.nan
    with pytest.raises(ValueError, match=r"positions\[7\]"):
        InteractionGraph(data, neighbors).edges(3.0)
