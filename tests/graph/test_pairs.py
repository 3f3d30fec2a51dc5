"""Each pair of neighbours once, self-images included."""

import itertools

import pytest
import torch

from anisoap_e3nn.graph import edge_vectors, neighbor_list, one_of_each_pair


@pytest.mark.parametrize("pbc", list(itertools.product([False, True], repeat=3)))
@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("tilt", [0.0, 0.4])
def test_each_pair_once(
    pbc: tuple[bool, ...], n: int, tilt: float, generator: torch.Generator
) -> None:
    """Every other edge, and none whose reverse is selected too; without a tilt images lie along axes."""
    cell = 2.0 * torch.eye(3, dtype=torch.float64)
    cell[0, 1], cell[2, 0] = tilt, -tilt
    pos = 2 * torch.rand(n, 3, dtype=torch.float64, generator=generator)
    edge_index, shifts = neighbor_list(pos, 4.5, cell=cell, pbc=pbc)
    once = one_of_each_pair(edge_index, edge_vectors(pos, edge_index, shifts, cell))
    edges = torch.cat([edge_index.T, shifts.long()], dim=1)
    reverses = torch.cat([edge_index.T.flip(1), -shifts.long()], dim=1)
    selected = set(map(tuple, edges[once].tolist()))
    assert 2 * len(selected) == len(edges)
    assert selected.isdisjoint(map(tuple, reverses[once].tolist()))
