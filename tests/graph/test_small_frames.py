"""The search in C++ for small frames against brute force in NumPy and vesin."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from anisoap_e3nn.graph import neighbor_list, small_frames
from common import needs_native

pytestmark = needs_native


@pytest.mark.parametrize("n", [1, 2, 9, 40])
@pytest.mark.parametrize("is_periodic", [True, False])
def test_edges_are_those_of_numpy_and_in_order(
    n: int, is_periodic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(n)
    served = []
    search = small_frames.small_frame_edges

    def recorded(*arguments: object) -> object:
        found = search(*arguments)  # type: ignore[arg-type]
        served.append(found is not None)
        return found

    monkeypatch.setattr("anisoap_e3nn.graph.search.small_frame_edges", recorded)
    for handedness in (1, -1):
        cell = np.array([[3.0, 0.4, 0], [-0.8, 3.5, 0.2], [0.3, -1.1, 4.0 * handedness]])
        cell += random.uniform(-0.3, 0.3, (3, 3))
        positions = torch.from_numpy(random.uniform(-1.2, 2.1, (n, 3)) @ cell)
        arguments: dict[str, Any] = {
            "cell": torch.from_numpy(cell) if is_periodic else None,
            "types": torch.from_numpy(random.choice([8, 1, 3], n)),
        }
        native = neighbor_list(positions, 3.3, **arguments)
        assert served.pop()
        with monkeypatch.context() as patch:
            patch.setattr(small_frames, "_native", None)
            numpy = neighbor_list(positions, 3.3, **arguments)
        assert not served.pop()
        assert [x.dtype for x in native] == [torch.int64, torch.float64]
        rows = rows_of(*native, arguments["types"])
        assert rows == sorted(rows_of(*numpy, arguments["types"]))
        assert rows or not is_periodic


def rows_of(edge_index: Tensor, shifts: Tensor, types: Tensor) -> list[tuple[float, ...]]:
    """Centre, type of the neighbour, neighbour and image of each edge."""
    neighbors, centers = edge_index
    columns = centers, types[neighbors], neighbors, *shifts.T
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_pairs_at_the_cutoff_have_both_directions_or_none() -> None:
    """Lattices whose distances equal the cutoff to rounding."""
    for spacing in (0.1, 1 / 3, 0.7):
        cell = torch.diag(torch.tensor([3.0, 3.0, 3.0], dtype=torch.float64)) * spacing
        grid = torch.cartesian_prod(*[torch.arange(3, dtype=torch.float64)] * 3) * spacing
        (neighbors, centers), shifts = neighbor_list(grid, spacing, cell=cell)
        edges = {
            (i, j, *s)
            for i, j, s in zip(neighbors.tolist(), centers.tolist(), shifts.tolist(), strict=True)
        }
        assert edges == {(j, i, *(-x for x in s)) for i, j, *s in edges}


def test_what_is_left_to_the_other_searches() -> None:
    cell, points = 3 * np.eye(3), np.zeros((2, 3))
    all_axes, types = np.ones(3, bool), np.zeros(2, np.int64)
    search = small_frames.small_frame_edges
    assert search(points, types, 2.0, cell, all_axes) is not None
    assert search(points, types, 2.0, cell, np.array([True, False, True])) is None
    assert search(points + 1e6, types, 2.0, cell, all_axes) is None
    assert search(points, types, 200.0, cell, all_axes) is None
    assert search(points, types, 2.0, np.ones((3, 3)), all_axes) is None
    assert search(np.zeros((600, 3)), np.zeros(600, np.int64), 2.0, cell, all_axes) is None
