"""Searches for pairs end at once: with edges, or with a refusal of cells and cutoffs that make no sense."""

import time
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.graph import limits, neighbor_list, search

POSITIONS = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
CUBE = 8 * torch.eye(3, dtype=torch.float64)
CORNER = torch.tensor([[9.0, -0.3, 0.0], [-1.2, 7.0, 0.5], [2.0, 1.0, 8.0]], dtype=torch.float64)


@pytest.fixture(autouse=True)
def in_a_second() -> Iterator[None]:
    start = time.process_time()  # others may use the processor meanwhile
    yield
    assert time.process_time() - start < 5


@pytest.mark.parametrize("size", [1e8, 1e20, 1e100, 1e200, 1e300])
@pytest.mark.parametrize("pbc", [[True] * 3, [True, False, True], [False, False, True]])
@pytest.mark.parametrize("cell", [CUBE, CORNER])
def test_huge_cells(size: float, pbc: list[bool], cell: Tensor) -> None:
    edge_index, shifts = neighbor_list(POSITIONS, 2.0, cell=size * cell, pbc=pbc)
    assert edge_index.tolist() == [[1, 0], [0, 1]]
    assert not shifts.any()


@pytest.mark.parametrize("cutoff", [1e7, 1e9, 1e20, 1e160, 1e200, 1e300, 1.7e308])
@pytest.mark.parametrize("positions", [POSITIONS, 1e5 * POSITIONS, POSITIONS - 1, 0 * POSITIONS])
def test_huge_cutoffs_of_open_frames(cutoff: float, positions: Tensor) -> None:
    edge_index, _ = neighbor_list(positions, cutoff)
    assert edge_index.tolist() == [[1, 0], [0, 1]]
    assert neighbor_list(positions[:1], cutoff)[0].shape == (2, 0)


@pytest.mark.parametrize("scale", [1e10, 1e100, 1e200, 1e300])
def test_huge_lengths(scale: float, generator: torch.Generator) -> None:
    """Everything scaled: the same edges."""
    scale = 2.0 ** round(torch.log2(torch.tensor(scale, dtype=torch.float64)).item())
    positions = 8 * torch.rand(9, 3, dtype=torch.float64, generator=generator)
    for pbc in (True, False, [True, False, True]):
        cell = None if pbc is False else CORNER
        expected = neighbor_list(positions, 5.0, cell=cell, pbc=pbc)
        scaled = None if cell is None else scale * cell
        found = neighbor_list(scale * positions, scale * 5.0, cell=scaled, pbc=pbc)
        assert expected[0].numel() > 20
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("distance", [1e3, 1e6, 1e9])
@pytest.mark.parametrize("pbc", [[False] * 3, [False, False, True], [False, True, True]])
def test_particles_far_apart(distance: float, pbc: list[bool]) -> None:
    """vesin would search through all images between them."""
    ends = torch.stack([POSITIONS[0], POSITIONS[0] + distance * POSITIONS[1]])
    edge_index, _ = neighbor_list(torch.cat([ends, ends + 1]), 2.0, cell=CUBE, pbc=pbc)
    assert sorted(edge_index[0].tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize("cutoff", [401.0, 1e3, 1e9, 1e300])
def test_cutoffs_of_many_cells_are_refused(cutoff: float) -> None:
    with pytest.raises(ValueError, match=r"height .* axis 0 is 8, expected at least a fiftieth"):
        neighbor_list(POSITIONS, cutoff, cell=CUBE)


@pytest.mark.parametrize("height", [1e-4, 1e-3, 0.05, 1e-100])
def test_flat_cells_are_refused_wherever_a_list_is_made(height: float) -> None:
    """As two-dimensional codes write them. Without periodicity along z they are right."""
    cell = torch.diag(torch.tensor([5.0, 5.0, height], dtype=torch.float64))
    fields = (POSITIONS, torch.eye(4, dtype=torch.float64)[:2], torch.ones_like(POSITIONS), [0, 0])
    flat = EllipsoidData(*fields, cell=cell, pbc=[True, True, False])
    assert flat.with_edges(3.0).num_edges == 2
    data = flat.clone()
    data.pbc = torch.tensor([[True] * 3])
    embedding = AniSOAPEmbedding([0], 3.0, 1, radial_gaussian_width=1.0).double()
    message = r"axis 2 is .*, expected at least a fiftieth of the cutoff, 3; .* pbc"
    if height < 1e-10:
        message = "independent cell vectors"
    for searching in (lambda: data.with_edges(3.0), lambda: embedding(data)):
        with pytest.raises(ValueError, match=message):
            searching()


def test_the_frame_is_named() -> None:
    cells = torch.stack([CUBE, CUBE * torch.tensor([1.0, 1e-3, 1.0])])
    with pytest.raises(ValueError, match="frame 1: the height of the cell along axis 1"):
        neighbor_list(POSITIONS, 2.0, cell=cells, batch=torch.tensor([0, 1]))


@pytest.mark.parametrize(
    ("positions", "cell", "cutoff"),
    [
        (torch.rand(100_000, 3, dtype=torch.float64), None, 4.0),
        (torch.zeros(100_000, 3, dtype=torch.float64), None, 4.0),
        (50 * torch.rand(5000, 3, dtype=torch.float64), 50 * torch.eye(3).double(), 400.0),
    ],
    ids=["all pairs", "all in one place", "many images"],
)
def test_more_edges_than_memory(
    positions: Tensor, cell: Tensor | None, cutoff: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "available_memory", lambda: 2.0**34)
    with pytest.raises(ValueError, match=r"about \d.\de\+\d+ edges .* memory of 16 GiB"):
        neighbor_list(positions, cutoff, cell=cell)


@pytest.mark.parametrize(
    "pbc", [[True] * 3, [True, False, True], [False, False, True], [False] * 3]
)
@pytest.mark.parametrize("cutoff", [3.0, 6.0, 20.0])
def test_the_estimate_is_near(pbc: list[bool], cutoff: float, generator: torch.Generator) -> None:
    fractions = torch.rand(200, 3, dtype=torch.float64, generator=generator)
    edges = neighbor_list(fractions @ CORNER, cutoff, cell=CORNER, pbc=pbc)[0].shape[1]
    periodic = torch.tensor(pbc).numpy()
    points = (fractions @ CORNER).numpy()
    cell = search._closed_cell(points, CORNER.numpy(), periodic, cutoff)
    estimate = limits.estimated_edges(points, cell, periodic, cutoff)
    assert edges / 2 < estimate < 4 * edges


def test_memory_that_is_available() -> None:
    assert limits.available_memory() > 2**24
