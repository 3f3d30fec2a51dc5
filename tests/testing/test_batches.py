"""What leaks from frame to frame is found, and frames that a model cannot bear."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.graph import frame_index
from anisoap_e3nn.testing import check_batches
from faulty_models import Plus

KINDS = ["slab", "open", "one_periodic", "periodic"]


def mean_of_the_batch(data: EllipsoidData) -> Tensor:
    norms = data.semiaxes.norm(dim=1)
    return norms - norms.mean() if len(norms) else norms


def cell_of_the_first_frame(data: EllipsoidData) -> Tensor:
    return (data.pos @ data.cell[0]).square().sum(1)


def every_particle_is_a_neighbour(data: EllipsoidData) -> Tensor:
    return torch.exp(-torch.cdist(data.pos, data.pos)).sum(1)


def number_of_frames(data: EllipsoidData) -> Tensor:
    return torch.full_like(data.pos[:, 0], len(data.cell))


def place_of_the_frame(data: EllipsoidData) -> Tensor:
    return frame_index(data)[0].to(data.pos)


@pytest.mark.parametrize(
    "leak",
    [
        mean_of_the_batch,
        cell_of_the_first_frame,
        every_particle_is_a_neighbour,
        number_of_frames,
        place_of_the_frame,
    ],
)
def test_leaks(
    model: torch.nn.Module,
    frames: dict[str, EllipsoidData],
    leak: Callable[[EllipsoidData], Tensor],
) -> None:
    some = [frames[kind] for kind in KINDS]
    assert check_batches(model, some) < 1e-12
    wrong = Plus(model, lambda data: 1e-6 * leak(data))
    with pytest.raises(AssertionError, match=r"^in a batch, energ"):
        check_batches(wrong, some)


def test_the_order_of_frames(frames: dict[str, EllipsoidData]) -> None:
    """The first frame is right, and the others too unless the batch ends with a lone particle."""

    def wrong(data: EllipsoidData) -> Tensor:
        energies = data.pos.square().sum(1)
        frames, n_frames = frame_index(data)
        ends_with_many = int((frames == n_frames - 1).sum()) > 1
        return energies * 1.001 if n_frames > 1 and ends_with_many else energies

    with pytest.raises(AssertionError, match=r"^in a batch in reverse order, energ"):
        check_batches(wrong, [frames[kind] for kind in KINDS])


def needs_particles(data: EllipsoidData) -> Tensor:
    return data.pos[:, 0] - data.pos[:, 0].max()


def needs_neighbours(data: EllipsoidData) -> Tensor:
    distances = torch.cdist(data.pos, data.pos) + 1e9 * torch.eye(len(data.pos))
    return distances.topk(2, largest=False).values.sum(1)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (needs_particles, "^for a frame of no particles, the model fails: .*Error: "),
        (needs_neighbours, "^for a frame of (no particles|one particle), the model fails"),
        (lambda data: data.pos[:, 0] / (len(data.pos) > 1), "^in a batch"),
    ],
)
def test_frames_of_one_particle_and_none(
    frames: dict[str, EllipsoidData],
    model: Callable[[EllipsoidData], Tensor],
    message: str,
) -> None:
    with pytest.raises(AssertionError, match=message):
        check_batches(model, [frames["open"]])


def test_features_edges_and_other_fields(frames: dict[str, EllipsoidData]) -> None:
    some = []
    for kind in KINDS:
        data = frames[kind].with_edges(4.0)
        data.charges = torch.ones(len(data.pos))
        data.edge_weights = torch.ones(data.num_edges)
        some.append(data)
    embedding = AniSOAPEmbedding([6, 1], 4.0, 2, radial_gaussian_width=1.2)
    assert check_batches(embedding, some) < 1e-12

    def weighted(data: EllipsoidData) -> Tensor:
        terms = data.edge_weights * data.charges[data.edge_index[0]]
        return torch.zeros_like(data.pos[:, 0]).index_add(0, data.edge_index[1], terms)

    assert check_batches(weighted, some) == 0
    with pytest.raises(AssertionError, match=r"^in a batch, features\["):
        check_batches(lambda data: data.semiaxes - data.semiaxes.sum(0), some)
    with pytest.raises(ValueError, match="one or more frames"):
        check_batches(embedding, [])
