"""Frames, and what a search finds in them."""

from typing import Any

import torch
from torch import Tensor

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.graph import Edges, edge_vectors, neighbor_list

CUTOFFS = (4.0, 2.5, 3.1, 1.0)


def configuration(
    generator: torch.Generator, n: int = 30, size: float = 6.0, pbc: Any = True
) -> EllipsoidData:
    cell = size * torch.eye(3, dtype=torch.float64)
    cell += 0.2 * size * torch.randn(3, 3, dtype=torch.float64, generator=generator)
    fractional = torch.rand(n, 3, dtype=torch.float64, generator=generator)
    return EllipsoidData(
        2 * fractional @ cell - cell[0],  # outside of the cell too
        torch.randn(n, 4, dtype=torch.float64, generator=generator),
        torch.ones(n, 3, dtype=torch.float64),
        torch.randint(2, (n,), generator=generator),
        cell,
        pbc,
    )


def with_fields(data: Any, **fields: Any) -> Any:
    data = data.clone()
    for name, value in fields.items():
        data[name] = value
    return data


def searched(data: Any, cutoff: float) -> tuple[Tensor, Tensor]:
    batch = data.batch if "batch" in data else None
    return neighbor_list(
        data.pos, cutoff, cell=data.cell, pbc=data.pbc, types=data.types, batch=batch
    )


def rows(edge_index: Tensor, edge_shifts: Tensor) -> list[tuple[int, ...]]:
    return sorted(map(tuple, torch.cat([edge_index.T, edge_shifts.long()], dim=1).tolist()))


def assert_as_searched(edges: Edges, data: Any, cutoff: float) -> None:
    """The same edges, sorted by centre and type, and the vectors along them."""
    assert rows(edges.edge_index, edges.edge_shifts) == rows(*searched(data, cutoff))
    neighbors, centers = edges.edge_index
    segments = centers * 10 + data.types[neighbors]
    assert (segments.diff() >= 0).all()
    vectors = edge_vectors(
        data.pos,
        edges.edge_index,
        edges.edge_shifts,
        data.cell,
        data.batch if "batch" in data else None,
    )
    tolerance = 1e-13 if data.pos.dtype == torch.float64 else 1e-5
    torch.testing.assert_close(edges.edge_vectors, vectors, rtol=0, atol=tolerance)


def assert_equal(edges: Edges, expected: Edges) -> None:
    for name in ("edge_index", "edge_shifts", "edge_vectors"):
        assert torch.equal(getattr(edges, name), getattr(expected, name))


def moved(data: Any, farthest: float, generator: torch.Generator) -> Any:
    """Every particle moved by a random vector, the longest of them `farthest`."""
    steps = torch.randn(data.pos.shape, dtype=torch.float64, generator=generator)
    steps *= farthest / steps.norm(dim=1).max()
    return with_fields(data, pos=data.pos + steps)
