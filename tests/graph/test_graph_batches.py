"""Neighbour lists of several frames at once, and of hardly any particles."""

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from anisoap_e3nn.graph import edge_vectors, neighbor_list
from periodic_systems import AXES, random_positions, triclinic_cell


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
