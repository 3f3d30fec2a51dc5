"""Neighbour lists against ASE, SciPy and their definition."""

from typing import Any

import numpy as np
import pytest
import torch
from ase.geometry import complete_cell
from ase.neighborlist import primitive_neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import KDTree
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from anisoap_e3nn.graph import edge_vectors, neighbor_list
from common import by_number_of_threads
from periodic_systems import AXES, random_positions, triclinic_cell

Edges = set[tuple[int, ...]]


def edges_of(edge_index: Tensor, edge_shifts: Tensor) -> Edges:
    """Neighbour, centre and shift of each edge; no edge may come twice."""
    rows = torch.cat([edge_index.T, edge_shifts.to(torch.int64)], dim=1).tolist()
    edges = {tuple(row) for row in rows}
    assert len(edges) == len(rows)
    return edges


def edges_by_ase(positions: Tensor, cutoff: float, cell: Tensor, pbc: Any) -> Edges:
    lattice = np.where(np.array(pbc)[:, None], cell.numpy(), 0.0)
    centers, neighbors, shifts = primitive_neighbor_list(
        "ijS", pbc, complete_cell(lattice), positions.numpy(), cutoff, self_interaction=False
    )
    return {
        (int(j), int(i), *s.tolist()) for i, j, s in zip(centers, neighbors, shifts, strict=True)
    }


@pytest.mark.parametrize("pbc", AXES)
@pytest.mark.parametrize(
    ("n", "size", "spread", "cutoff"),
    [
        (60, 12.0, 6.0, 4.0),
        (7, 4.0, 3.0, 9.0),  # many images of each neighbour, and of the particle itself
        (1, 3.0, 1.0, 7.0),
        (9, 5.0, 60.0, 6.0),  # far outside the cell
    ],
)
def test_edges_are_ases(
    n: int, size: float, spread: float, cutoff: float, pbc: Any, generator: torch.Generator
) -> None:
    for _ in range(4):
        cell = triclinic_cell(generator, size)
        positions = random_positions(n, spread, generator)
        found = edges_of(*neighbor_list(positions, cutoff, cell=cell, pbc=pbc))
        assert found == edges_by_ase(positions, cutoff, cell, pbc)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(0, 12),
    pbc=st.sampled_from(AXES),
    size=st.floats(1.5, 20.0),
    cutoff=st.floats(0.5, 6.0),
)
def test_edges_are_ases_in_any_cell(
    seed: int, n: int, pbc: Any, size: float, cutoff: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    cell = triclinic_cell(generator, size)
    if cell.det().abs() < 0.1 * size**3:
        cell = size * torch.eye(3, dtype=torch.float64)
    positions = random_positions(n, size, generator)
    edge_index, edge_shifts = neighbor_list(positions, cutoff, cell=cell, pbc=pbc)
    if n > 0:  # ASE refuses none
        assert edges_of(edge_index, edge_shifts) == edges_by_ase(positions, cutoff, cell, pbc)
    vectors = edge_vectors(positions, edge_index, edge_shifts, cell)
    assert (vectors.norm(dim=1) < cutoff).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_vectors_are_ases(dtype: torch.dtype, generator: torch.Generator) -> None:
    cell, positions = triclinic_cell(generator, 6.0), random_positions(10, 5.0, generator)
    cell, positions = cell.to(dtype), positions.to(dtype)
    edge_index, edge_shifts = neighbor_list(positions, 5.0, cell=cell)
    assert edge_index.dtype == torch.int64
    assert edge_shifts.dtype == dtype
    vectors = edge_vectors(positions, edge_index, edge_shifts, cell)
    assert vectors.dtype == dtype
    neighbors, centers, shifts, theirs = primitive_neighbor_list(
        "jiSD", [True] * 3, cell.double().numpy(), positions.double().numpy(), 5.0
    )
    rows = np.column_stack([neighbors, centers, shifts]).tolist()
    by_edge = {tuple(row): vector for row, vector in zip(rows, theirs, strict=True)}
    edges = torch.cat([edge_index.T, edge_shifts.long()], dim=1).tolist()
    expected = torch.from_numpy(np.stack([by_edge[tuple(edge)] for edge in edges]))
    atol = 1e-5 if dtype == torch.float32 else 1e-13
    torch.testing.assert_close(vectors.double(), expected, rtol=0, atol=atol)


def test_lattice_vectors_of_open_axes_are_not_looked_at(generator: torch.Generator) -> None:
    cell, positions = triclinic_cell(generator, 5.0), random_positions(8, 4.0, generator)
    expected = neighbor_list(positions, 6.0, cell=cell, pbc=[False, True, True])
    for row in (torch.zeros(3), cell[1], torch.full((3,), torch.nan), -7 * cell[0]):
        other = cell.clone()
        other[0] = row
        found = neighbor_list(positions, 6.0, cell=other, pbc=[False, True, True])
        assert edges_of(*found) == edges_of(*expected)


def test_periodicity_that_is_not_given(generator: torch.Generator) -> None:
    cell, positions = triclinic_cell(generator, 4.0), random_positions(8, 4.0, generator)
    for first, second in (
        (neighbor_list(positions, 6.0), neighbor_list(positions, 6.0, cell=cell, pbc=False)),
        (
            neighbor_list(positions, 6.0, cell=cell),
            neighbor_list(positions, 6.0, cell=cell, pbc=True),
        ),
    ):
        assert all(map(torch.equal, first, second))
    with_shifts = neighbor_list(positions, 6.0, cell=cell)[1].any(1).sum()
    assert with_shifts > 0
    assert not neighbor_list(positions, 6.0)[1].any()


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize(
    "sides",
    [(3e5, 2.5, 2.5), (2.5, 2.5, 3e5), (1e3, 1e3, 2.5), (1e3, 2.5, 1e3), (70.0, 70.0, 70.0)],
)
def test_long_and_flat_systems(
    sides: tuple[float, float, float], periodic: bool, generator: torch.Generator
) -> None:
    """More cells of the size of the cutoff than vesin can handle along two axes and few on the third."""
    box = torch.tensor(sides, dtype=torch.float64)
    positions = torch.rand(60, 3, dtype=torch.float64, generator=generator) * box
    nearby = positions + random_positions(60, 0.3, generator)
    positions = torch.cat([positions, nearby % box])
    cell = torch.diag(box) if periodic else None
    edge_index, _ = neighbor_list(positions, 1.0, cell=cell)
    tree = KDTree(positions.numpy(), boxsize=box.numpy() if periodic else None)
    expected = tree.query_pairs(1.0)
    assert len(expected) > 20
    assert {tuple(sorted(edge)) for edge in edge_index.T.tolist()} == expected
    assert edge_index.shape[1] == 2 * len(expected)


def test_fibres_in_wide_space(generator: torch.Generator) -> None:
    """Periodic along one tilted axis, with much room along the others."""
    cell = torch.zeros(3, 3, dtype=torch.float64)
    cell[1] = torch.tensor([2.0, 3.0, -4.0])
    positions = random_positions(12, 500.0, generator)
    positions[6:] = positions[:6] + random_positions(6, 1.0, generator) + 3 * cell[1]
    found = edges_of(*neighbor_list(positions, 6.0, cell=cell, pbc=[False, True, False]))
    images = torch.arange(-400, 401, dtype=torch.float64)[:, None] * cell[1]  # -> [image, 3]
    offsets = positions[:, None] - positions  # -> [neighbour, centre, 3]
    distances = (offsets[:, :, None] + images).norm(dim=-1)  # -> [neighbour, centre, image]
    expected = {
        (j, i, 0, s - 400, 0)
        for j, i, s in (distances < 6.0).nonzero().tolist()
        if (i, s) != (j, 400)
    }
    assert len(expected) > 24
    assert found == expected


@pytest.mark.parametrize("with_types", [False, True])
def test_edges_are_sorted_and_go_both_ways(with_types: bool, generator: torch.Generator) -> None:
    positions = random_positions(100, 4.0, generator)
    cell = triclinic_cell(generator, 9.0)
    types = torch.tensor([8, 1, -3])[torch.randint(3, (100,), generator=generator)]
    edge_index, edge_shifts = neighbor_list(
        positions, 5.0, cell=cell, types=types if with_types else None
    )
    neighbors, centers = edge_index
    keys = list(zip(centers.tolist(), types[neighbors].tolist(), strict=True))
    assert len(keys) > 1000
    if with_types:
        assert keys == sorted(keys)
    else:
        assert keys != sorted(keys)
        assert (centers.diff() >= 0).all()
    assert edges_of(edge_index.flip(0), -edge_shifts) == edges_of(edge_index, edge_shifts)


def test_threads_change_nothing(generator: torch.Generator) -> None:
    positions = random_positions(2000, 8.0, generator)
    arguments: dict[str, Any] = {
        "cell": triclinic_cell(generator, 20.0),
        "types": torch.randint(2, (2000,), generator=generator),
    }
    found = by_number_of_threads(lambda: neighbor_list(positions, 6.0, **arguments))
    for other in found[1:]:
        assert all(map(torch.equal, other, found[0]))


def test_gradients_stop_at_the_list_and_pass_through_the_vectors(
    generator: torch.Generator,
) -> None:
    positions = random_positions(6, 3.0, generator).requires_grad_()
    cell = triclinic_cell(generator, 5.0).requires_grad_()
    edge_index, edge_shifts = neighbor_list(positions, 4.0, cell=cell)
    assert not edge_shifts.requires_grad
    assert edge_shifts.any()

    def vectors(positions: Tensor, cell: Tensor) -> Tensor:
        return edge_vectors(positions, edge_index, edge_shifts, cell).square()

    assert gradcheck(vectors, (positions, cell))
    assert gradgradcheck(vectors, (positions, cell))
