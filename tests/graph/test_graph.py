import itertools
import math
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

Edges = set[tuple[int, ...]]

AXES = list(itertools.product([False, True], repeat=3))


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


def triclinic_cell(generator: torch.Generator, size: float) -> Tensor:
    cell = torch.eye(3, dtype=torch.float64) * size
    cell += 0.3 * size * torch.randn(3, 3, dtype=torch.float64, generator=generator)
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=generator))[0]
    return cell @ turn  # of either handedness


def random_positions(n: int, spread: float, generator: torch.Generator) -> Tensor:
    return spread * torch.randn(n, 3, dtype=torch.float64, generator=generator)


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


@pytest.mark.parametrize("with_types", [False, True])
def test_batches_are_their_members_one_by_one(with_types: bool, generator: torch.Generator) -> None:
    sizes = [0, 5, 1, 0, 90, 7, 0]
    batch = torch.arange(7).repeat_interleave(torch.tensor(sizes))
    positions = random_positions(len(batch), 4.0, generator)
    types = torch.randint(3, (len(batch),), generator=generator) if with_types else None
    cell = torch.stack([triclinic_cell(generator, 6.0) for _ in sizes])
    pbc = torch.tensor(AXES[:7])
    cell[1][~pbc[1]] = 0.0
    edge_index, edge_shifts = neighbor_list(
        positions, 4.0, cell=cell, pbc=pbc, types=types, batch=batch
    )
    start, indices, shifts, vectors = 0, [], [], []
    for k, size in enumerate(sizes):
        part = slice(start, start + size)
        index, shift = neighbor_list(
            positions[part],
            4.0,
            cell=cell[k],
            pbc=pbc[k],
            types=None if types is None else types[part],
        )
        indices.append(index + start)
        shifts.append(shift)
        vectors.append(edge_vectors(positions[part], index, shift, cell[k]))
        start += size
    assert torch.equal(edge_index, torch.cat(indices, dim=1))
    assert torch.equal(edge_shifts, torch.cat(shifts))
    torch.testing.assert_close(
        edge_vectors(positions, edge_index, edge_shifts, cell, batch), torch.cat(vectors)
    )


def test_frames_may_share_cell_and_periodicity(generator: torch.Generator) -> None:
    positions, cell = random_positions(12, 4.0, generator), triclinic_cell(generator, 5.0)
    batch = torch.arange(3).repeat_interleave(4)
    shared = neighbor_list(positions, 5.0, cell=cell, pbc=[True, False, True], batch=batch)
    pbc = torch.tensor([[True, False, True]] * 3)
    own = neighbor_list(positions, 5.0, cell=cell.expand(3, 3, 3), pbc=pbc, batch=batch)
    assert all(map(torch.equal, shared, own))
    torch.testing.assert_close(
        edge_vectors(positions, *shared, cell, batch),
        edge_vectors(positions, *own, cell.expand(3, 3, 3), batch),
    )


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("cell", [None, 9 * torch.eye(3), 9 * torch.eye(3)[None]])
@pytest.mark.parametrize("batched", [False, True])
def test_nobody_and_one(n: int, cell: Tensor | None, batched: bool) -> None:
    positions, ints = torch.zeros(n, 3), torch.zeros(n, dtype=torch.int64)
    edge_index, edge_shifts = neighbor_list(
        positions, 5.0, cell=cell, types=ints, batch=ints if batched else None
    )
    assert edge_index.shape == (2, 0)
    assert edge_shifts.shape == (0, 3)
    assert edge_vectors(positions, edge_index, edge_shifts, cell, ints).shape == (0, 3)


def test_no_frames() -> None:
    edge_index, edge_shifts = neighbor_list(
        torch.zeros(0, 3),
        5.0,
        cell=torch.zeros(0, 3, 3),
        pbc=torch.zeros(0, 3, dtype=torch.bool),
        batch=torch.zeros(0, dtype=torch.int64),
    )
    assert edge_index.shape == (2, 0)
    assert edge_shifts.shape == (0, 3)


def test_particles_at_one_point_are_neighbours() -> None:
    edge_index, _ = neighbor_list(torch.zeros(3, 3), 1.0)
    assert sorted(edge_index.T.tolist()) == [[0, 1], [0, 2], [1, 0], [1, 2], [2, 0], [2, 1]]


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


def test_gradients_of_batches(generator: torch.Generator) -> None:
    positions = random_positions(7, 3.0, generator).requires_grad_()
    cells = torch.stack([triclinic_cell(generator, 4.0) for _ in range(3)]).requires_grad_()
    batch = torch.tensor([0, 0, 0, 1, 1, 2, 2])
    edge_index, edge_shifts = neighbor_list(positions, 3.0, cell=cells, batch=batch)
    shuffled = torch.randperm(edge_index.shape[1], generator=generator)
    edge_index, edge_shifts = edge_index[:, shuffled], edge_shifts[shuffled]

    def vectors(positions: Tensor, cells: Tensor) -> Tensor:
        return edge_vectors(positions, edge_index, edge_shifts, cells, batch).square()

    assert gradcheck(vectors, (positions, cells))
    assert gradgradcheck(vectors, (positions, cells))


POSITIONS = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
EYE, FLAT = torch.eye(3), torch.tensor([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"cutoff": 0.0}, ValueError, "cutoff is 0.0, expected a finite length > 0"),
        ({"cutoff": -1.0}, ValueError, "cutoff is -1.0"),
        ({"cutoff": math.nan}, ValueError, "cutoff is nan"),
        ({"cutoff": math.inf}, ValueError, "cutoff is inf"),
        ({"cutoff": 1e-10}, ValueError, "cutoff is 1e-10.*units such as Å"),
        ({"positions": POSITIONS[:, :2]}, ValueError, r"shape \(3, 2\), expected \(N, 3\)"),
        ({"positions": POSITIONS.long()}, TypeError, r"torch.int64.*use .double\(\)"),
        ({"positions": POSITIONS * math.nan}, ValueError, r"positions\[0\] is \[nan, nan, nan\]"),
        ({"positions": POSITIONS / 0}, ValueError, r"positions\[0\] is .*expected finite"),
        (
            {"cell": EYE, "positions": POSITIONS * 1e10},
            ValueError,
            "positions reach 2e.10.*wrap them",
        ),
        ({"types": torch.zeros(2).long()}, ValueError, r"types has shape \(2,\), expected \(3,\)"),
        ({"types": torch.zeros(3)}, TypeError, r"types is torch.float32.*use .long\(\)"),
        ({"batch": torch.zeros(4).long()}, ValueError, r"batch has shape \(4,\), expected \(3,\)"),
        ({"batch": torch.zeros(3)}, TypeError, "batch is torch.float32, expected integers"),
        (
            {"batch": torch.tensor([0, 1, 0])},
            ValueError,
            "decreases, .*; sort the particles",
        ),
        ({"batch": torch.tensor([-1, 0, 0])}, ValueError, "batch is negative"),
        ({"pbc": True}, ValueError, "found no cell; give the cell vectors"),
        ({"cell": torch.zeros(3, 3)}, ValueError, "cell of frame 0 is .*or pbc=False"),
        ({"cell": FLAT}, ValueError, "expected independent cell vectors"),
        ({"cell": EYE * math.nan}, ValueError, "expected finite numbers"),
        ({"cell": EYE[:2]}, ValueError, r"cell has shape \(2, 3\), expected \(3, 3\)"),
        ({"cell": EYE.expand(2, 3, 3)}, ValueError, r"or \(1, 3, 3\) for 1 frame"),
        ({"cell": EYE, "pbc": [True, False]}, ValueError, r"pbc has shape \(2,\), expected \(3,\)"),
        (
            {"cell": EYE.expand(2, 3, 3), "batch": torch.tensor([0, 1, 2])},
            ValueError,
            r"cell has shape \(2, 3, 3\), expected \(3, 3\), or \(3, 3, 3\) for 3 frames",
        ),
    ],
)
def test_bad_input_is_refused(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    arguments: dict[str, Any] = {"positions": POSITIONS, "cutoff": 1.5} | changes
    with pytest.raises(error, match=message):
        neighbor_list(**arguments)


def test_singular_cell_names_its_frame() -> None:
    cells = torch.stack([EYE, FLAT])
    batch = torch.tensor([0, 0, 1])
    pbc = torch.tensor([[True, True, True], [True, False, True]])
    neighbor_list(POSITIONS, 1.5, cell=cells, pbc=pbc, batch=batch)
    with pytest.raises(ValueError, match="cell of frame 1 is"):
        neighbor_list(POSITIONS, 1.5, cell=cells, batch=batch)


def test_vectors_need_cell_and_batch() -> None:
    edge_index, edge_shifts = neighbor_list(POSITIONS, 2.5, cell=4 * EYE)
    assert edge_shifts.any()
    with pytest.raises(ValueError, match="periodic images without a cell; give"):
        edge_vectors(POSITIONS, edge_index, edge_shifts)
    with pytest.raises(ValueError, match="2 cells without batch"):
        edge_vectors(POSITIONS, edge_index, edge_shifts, EYE.expand(2, 3, 3))
    zero = torch.zeros_like(edge_shifts)
    assert torch.equal(
        edge_vectors(POSITIONS, edge_index, zero), edge_vectors(POSITIONS, edge_index)
    )
