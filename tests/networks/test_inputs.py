"""Networks of messages: particles of every shape, given edges, precisions, and what they refuse."""

from pathlib import Path

import pytest
import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.graph import InteractionGraph
from anisoap_e3nn.networks import MessagePassingPotential
from anisoap_e3nn.potentials import StackedPotential, mechanics
from anisoap_e3nn.testing import check_checkpoint, check_gradients, check_precision
from small_networks import CUTOFF, OneConvolution

pytestmark = pytest.mark.parametrize("stage", ["fresh"], indirect=True)


def test_particles_alone_and_none_at_all(
    potential: MessagePassingPotential, frames: dict[str, EllipsoidData]
) -> None:
    alone, empty = (mechanics(potential, frames[k]) for k in ("one_open", "empty"))
    assert alone.energy.isfinite()
    assert not alone.forces.any()
    assert alone.torques.abs().max() < 1e-12
    assert empty.energy == 0
    assert empty.forces.shape == (0, 3)


@pytest.mark.parametrize(
    "semiaxes", [[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.8, 0.8, 0.8]]
)
def test_points_disks_needles_and_spheres(
    potential: MessagePassingPotential, semiaxes: list[float]
) -> None:
    data = EllipsoidData(  # disks in one plane, and needles in line
        pos=[[0, 0, 0], [0, 0, 2.0], [0, 2.0, 0], [2.0, 0, 0]],
        orientations=[[1.0, 0, 0, 0]] * 4,
        semiaxes=[semiaxes] * 4,
        types=[6, 1, 6, 1],
    )
    result = mechanics(potential, data, create_graph=True)
    loss = sum(x.square().sum() for x in result)
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad.isfinite().all() for p in potential.parameters())
    if semiaxes[0] == semiaxes[2]:
        assert result.torques.abs().max() < 1e-12


def test_given_edges_are_used(
    potential: MessagePassingPotential, frames: dict[str, EllipsoidData]
) -> None:
    data = frames["slab"]
    expected = potential(data)
    longer = InteractionGraph(data, 5.0).edges(CUTOFF)
    for same in (
        potential(data, longer),
        potential(data.with_edges(CUTOFF)),
        potential(data.with_edges(5.5)),
        StackedPotential([potential])(data),
    ):
        torch.testing.assert_close(same, expected, rtol=1e-12, atol=1e-12)


def test_checkpoints_precision_and_training(
    potential: MessagePassingPotential, frames: dict[str, EllipsoidData], tmp_path: Path
) -> None:
    check_checkpoint(potential, frames["slab"], tmp_path, allow=[OneConvolution])
    check_precision(potential, frames["slab"])
    check_gradients(potential, frames["slab"])


def test_bad_data_are_refused(
    potential: MessagePassingPotential, frames: dict[str, EllipsoidData]
) -> None:
    data = frames["slab"]
    unknown, together, single = data.clone(), data.clone(), data.clone()
    unknown.types[2] = 8
    with pytest.raises(ValueError, match=r"unknown particle types \[8\].*types=\[6, 1\]"):
        potential(unknown)
    together.pos[1] = together.pos[0]
    with pytest.raises(ValueError, match="in the same place"):
        potential(together)
    single = single.apply(lambda x: x.float() if x.is_floating_point() else x)
    with pytest.raises(TypeError, match="float32"):
        potential(single)
    with pytest.raises(ValueError, match=r"searched up to 3\.0"):
        potential(data.with_edges(3.0))
