"""Networks of messages: their symmetries and derivatives, before and after training."""

import pytest
import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.networks import MessagePassingPotential
from anisoap_e3nn.potentials import mechanics
from anisoap_e3nn.testing import (
    check_batches,
    check_derivatives,
    check_equivariance,
    check_smoothness,
)
from small_networks import FRAMES


@pytest.mark.parametrize("kind", FRAMES)
def test_symmetries_and_derivatives(
    potential: MessagePassingPotential, frames: dict[str, EllipsoidData], kind: str
) -> None:
    assert all(x.abs().max() > 1e-3 for x in mechanics(potential, frames[kind])[:4])
    check_equivariance(potential, frames[kind])
    check_derivatives(potential, frames[kind], directions=3)


def test_batches_and_the_cutoff(
    potential: MessagePassingPotential, frames: dict[str, EllipsoidData]
) -> None:
    check_batches(potential, list(frames.values()))
    check_smoothness(potential, frames["open"])


def test_other_names_of_the_axes(
    potential: MessagePassingPotential, frames: dict[str, EllipsoidData]
) -> None:
    data = frames["periodic"]
    renamed, cycle = data.clone(), torch.tensor([1, 2, 0])
    renamed.orientations = rotation_matrices(data.orientations)[:, :, cycle]
    renamed.semiaxes = data.semiaxes[:, cycle]
    for a, b in zip(mechanics(potential, renamed), mechanics(potential, data), strict=True):
        assert (a - b).abs().max() <= 1e-10 * b.abs().max()
