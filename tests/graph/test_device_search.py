"""The search on the device, run on the CPU, against the searches of the CPU."""

import numpy as np
import pytest
import torch
from torch import Tensor

from anisoap_e3nn.graph import device_search, neighbor_list
from anisoap_e3nn.graph.device_search import device_edges

Edge = tuple[int, ...]


def rows_of(edge_index: Tensor, shifts: Tensor, types: Tensor) -> list[Edge]:
    """Centre, type of the neighbour, neighbour and image of each edge."""
    neighbors, centers = edge_index
    columns = centers, types[neighbors], neighbors, *shifts.long().T
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("open_axes", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("size", [2.0, 6.0, 20.0])
def test_edges_of_batches_are_those_of_the_cpu(
    size: float, open_axes: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng()
    monkeypatch.setattr(device_search, "_MOST_CANDIDATES", 20_000)  # in several pieces
    counts = np.array([1, 0, 30, int(random.integers(80, 150))])
    spread = random.choice([0.3, 1.0, 5.0])  # of positions, relative to the cell
    cells = size * (np.eye(3) + 0.1 * random.normal(size=(4, 3, 3)))
    cells[3] = cells[3, [1, 0, 2]]  # left-handed
    periodic = random.random((4, 3)) >= open_axes
    positions = torch.from_numpy(spread * size * random.normal(size=(counts.sum(), 3)))
    types = torch.from_numpy(random.choice([8, -1, 6], counts.sum()))
    frames = torch.from_numpy(np.repeat(np.arange(4), counts))
    cutoff = float(random.uniform(1.0, 2.5))
    found = device_edges(positions, types, frames, cutoff, cells, periodic)
    assert found is not None
    cell, pbc = torch.from_numpy(cells), torch.from_numpy(periodic)
    expected = neighbor_list(positions, cutoff, cell=cell, pbc=pbc, types=types, batch=frames)
    assert rows_of(*found, types) == sorted(rows_of(*expected, types))
    assert [x.dtype for x in found] == [torch.int64, torch.int64]


@pytest.mark.parametrize("spacing", [0.1, 1 / 3, 0.7, np.pi])
def test_neighbours_at_the_cutoff_itself(spacing: float) -> None:
    """Rounding decides whether they count, as it does on the CPU."""
    grid = torch.cartesian_prod(*[torch.arange(4, dtype=torch.float64)] * 3) * spacing
    types = torch.zeros(len(grid), dtype=torch.int64)
    cell = 4 * spacing * torch.eye(3, dtype=torch.float64)
    for cutoff in (spacing, 2 * spacing):
        found = device_edges(grid, types, types, cutoff, cell.numpy()[None], np.ones((1, 3), bool))
        assert found is not None
        expected = neighbor_list(grid, cutoff, cell=cell)
        assert rows_of(*found, types) == sorted(rows_of(*expected, types))


def test_what_is_left_to_the_cpu() -> None:
    points, types = torch.rand(5, 3), torch.zeros(5, dtype=torch.int64)
    cell, periodic = np.eye(3)[None], np.ones((1, 3), bool)
    assert device_edges(points, types, types, 4.9, cell, periodic) is not None
    for positions, cutoff in ((points, 5.1), (points + 1e7, 1.0), (points / 0, 1.0)):
        assert device_edges(positions, types, types, cutoff, cell, periodic) is None
