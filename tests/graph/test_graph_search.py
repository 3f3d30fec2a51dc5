"""The two searches for pairs find the same edges."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from anisoap_e3nn.graph import search

Edge = tuple[int, ...]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261121)


@pytest.fixture
def by_both(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[list[Edge]]]:
    """Edges as (centre, type of the neighbour, neighbour, shift), by brute force and by vesin."""

    def find(points: Any, types: Any, *arguments: Any) -> list[list[Edge]]:
        results = []
        for few in (True, False):
            monkeypatch.setattr(search, "_brute_force_is_faster", lambda *_, few=few: few)
            (neighbors, centers), shifts = search.find_edges(points, types, *arguments)
            columns = [centers, types[neighbors], neighbors, *shifts.T.astype(int)]
            results.append(np.column_stack(columns).tolist())
        return [[tuple(edge) for edge in edges] for edges in results]

    return find


@pytest.mark.parametrize("periodic", [[True] * 3, [True, False, True], [False] * 3])
@pytest.mark.parametrize(("n", "size", "cutoff"), [(1, 2.0, 5.0), (40, 9.0, 4.0), (150, 12.0, 5.0)])
def test_both_find_the_same(
    n: int, size: float, cutoff: float, periodic: list[bool], by_both: Any, rng: np.random.Generator
) -> None:
    cell = size * (np.eye(3) + 0.2 * rng.normal(size=(3, 3)))
    points = size * rng.normal(size=(n, 3))  # also outside the cell
    types = rng.choice([8, -1, 6], n)
    among_images, by_vesin = by_both(points, types, cutoff, cell, np.array(periodic))
    assert len(by_vesin) > 0 or (n == 1 and not all(periodic))
    assert sorted(among_images) == sorted(by_vesin)
    if not any(periodic):
        assert among_images == sorted(among_images)
    for edges in (among_images, by_vesin):
        assert [edge[:2] for edge in edges] == sorted(edge[:2] for edge in edges)


@pytest.mark.parametrize("spacing", [1.0, 1.1, np.pi, 1e3])
def test_neighbours_at_the_cutoff_itself(spacing: float, by_both: Any) -> None:
    """Rounding decides whether they count, but does so alike in both directions and searches."""
    points = spacing * np.stack(np.meshgrid(*[np.arange(3.0)] * 3), axis=-1).reshape(-1, 3)
    points += 0.3 * spacing
    types = np.zeros(len(points), np.int64)
    arguments = (types, 2 * spacing, 3 * spacing * np.eye(3), np.ones(3, bool))
    among_images, by_vesin = by_both(points, *arguments)
    assert sorted(among_images) == sorted(by_vesin)
    backwards = [(j, s, i, -a, -b, -c) for i, s, j, a, b, c in among_images]
    assert sorted(backwards) == sorted(among_images)
    within = 26  # whole vectors shorter than 2
    assert within * len(points) <= len(among_images) <= (within + 6) * len(points)


@pytest.mark.parametrize(
    ("size", "cutoff", "few"),
    [(5.6, 7.0, True), (13.9, 7.0, True), (60.0, 7.0, False), (1.0, 20.0, False)],
)
def test_images_serve_small_cells(
    size: float, cutoff: float, few: bool, rng: np.random.Generator
) -> None:
    heights = np.full(3, size)
    assert (
        search._brute_force_is_faster(rng.random((50, 3)), cutoff / heights, heights, cutoff) == few
    )
