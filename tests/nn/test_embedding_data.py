"""The embedding of EllipsoidData and of PyTorch Geometric's batches of them."""

import pytest
import torch
from torch_geometric.data import Batch
from torch_geometric.loader import DataLoader

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from common import Ellipsoids

CUTOFF = 4.0
pytestmark = pytest.mark.usefixtures("float64_by_default")


@pytest.fixture
def embedding() -> AniSOAPEmbedding:
    return AniSOAPEmbedding([6, 1], CUTOFF, 3, radial_gaussian_width=1.2)


@pytest.fixture
def frames(ellipsoids: Ellipsoids) -> list[EllipsoidData]:
    """Periodic, open, partly periodic, one particle in a periodic cell, one alone, and none."""
    e = ellipsoids

    def frame(n: int, pbc: list[bool] | None) -> EllipsoidData:
        cell = None if pbc is None else e.cell
        return EllipsoidData(
            e.positions[:n], e.orientations[:n], e.semiaxes[:n], e.types[:n], cell, pbc
        )

    periodic = [True, True, True]
    return [
        frame(20, periodic),
        frame(13, None),
        frame(7, [True, False, True]),
        frame(1, periodic),
        frame(1, None),
        frame(0, None),
    ]


def test_data_are_the_five_tensors(
    backend: str, embedding: AniSOAPEmbedding, ellipsoids: Ellipsoids
) -> None:
    e = ellipsoids
    data = EllipsoidData(e.positions, e.orientations, e.semiaxes, e.types, e.cell, e.pbc)
    torch.testing.assert_close(
        embedding(data), embedding(**e.inputs(CUTOFF)), rtol=1e-13, atol=1e-13
    )


def test_a_batch_is_its_members_one_by_one(
    backend: str, embedding: AniSOAPEmbedding, frames: list[EllipsoidData]
) -> None:
    one_by_one = torch.cat([embedding(frame) for frame in frames])
    loader = DataLoader(frames, batch_size=len(frames))
    (batch,) = loader
    torch.testing.assert_close(embedding(batch), one_by_one, rtol=1e-13, atol=1e-13)


def test_edges_may_be_there_already(
    embedding: AniSOAPEmbedding, frames: list[EllipsoidData]
) -> None:
    searched = embedding(Batch.from_data_list(frames))
    for cutoff in (CUTOFF, 5.5):
        batch = Batch.from_data_list([frame.with_edges(cutoff) for frame in frames])
        torch.testing.assert_close(embedding(batch), searched, rtol=1e-13, atol=1e-13)


def test_edges_of_too_small_a_cutoff_are_refused(
    embedding: AniSOAPEmbedding, frames: list[EllipsoidData]
) -> None:
    batch = Batch.from_data_list([frame.with_edges(CUTOFF) for frame in frames[:2]])
    embedding(batch)
    batch.edge_cutoff[1] = 3.0
    with pytest.raises(ValueError, match=r"searched up to 3.0.*use data.with_edges\(4.0\)"):
        embedding(batch)


def test_gradients_reach_positions_and_cell(
    embedding: AniSOAPEmbedding, frames: list[EllipsoidData]
) -> None:
    batch = Batch.from_data_list([frame.with_edges(CUTOFF) for frame in frames])
    batch.pos.requires_grad_()
    batch.cell.requires_grad_()
    energy = embedding(batch).square().sum()
    forces, virial = torch.autograd.grad(energy, [batch.pos, batch.cell])
    assert forces.abs().max() > 0
    assert virial[0].any()
    for frame, gradient in zip(frames, virial, strict=True):
        assert not gradient[~frame.pbc[0]].any()
