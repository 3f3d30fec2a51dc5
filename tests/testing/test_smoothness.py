"""Jumps at the cutoff are found, in the derivative that jumps and in no lower one."""

from typing import Any

import pytest
import torch
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.potentials import StackedPotential
from anisoap_e3nn.testing import check_smoothness
from faulty_models import Plus, neighborhoods, pair_term
from model_fixtures import CUTOFF


@pytest.mark.parametrize(
    ("power", "message"),
    [
        (0, r"where particles 0 and \d are 4.0 apart, energy\[0\] is .*, expected"),
        (1, r"where particles 0 and \d are 4.0 apart, forces\[\d, \d\] is"),
        (2, r"where particles 0 and \d are 4.0 apart, derivatives of forces\[\d, \d\] is"),
        (3, None),
    ],
)
@pytest.mark.parametrize("kind", ["open", "periodic"])
def test_derivatives_that_jump(
    model: torch.nn.Module,
    frames: dict[str, EllipsoidData],
    kind: str,
    power: int,
    message: str | None,
) -> None:
    wrong = Plus(model, pair_term(lambda r: 0.1 * (CUTOFF - r) ** power))
    for order in range(3):
        if order < power:
            assert check_smoothness(wrong, frames[kind], order=order) < 1e-5
        else:
            assert message is not None
            with pytest.raises(AssertionError, match=message):
                check_smoothness(wrong, frames[kind], order=order)


def test_only_some_types_jump(model: torch.nn.Module, frames: dict[str, EllipsoidData]) -> None:
    wrong = pair_term(lambda r: torch.ones_like(r))

    def between_ones(data: Any) -> Tensor:
        alone = data.clone()
        alone.pos = torch.where(data.types[:, None] == 1, data.pos, data.pos + 1000 * data.pos)
        return wrong(alone)

    data = frames["open"]
    assert {1, 6} == set(data.types[:4].tolist())
    with pytest.raises(AssertionError, match=r"are 4\.0 apart"):
        check_smoothness(between_ones, data, CUTOFF)


def test_means_over_neighbours_jump(
    model: torch.nn.Module, frames: dict[str, EllipsoidData]
) -> None:
    """Though each contribution fades."""

    def mean(data: Any) -> Tensor:
        sums = neighborhoods(data, torch.ones_like)
        n = torch.bincount(data.edge_index[1], minlength=len(sums)).clamp(min=1)
        return (sums / n[:, None]).square().sum(1)

    with pytest.raises(AssertionError, match="energ"):
        check_smoothness(Plus(model, mean), frames["open"])


def test_every_cutoff_of_a_stack(model: torch.nn.Module, frames: dict[str, EllipsoidData]) -> None:
    class Short(Plus):
        cutoff = 2.5

        def forward(self, data: Any) -> Tensor:
            return self.term(data)

    smooth = Short(model, pair_term(lambda r: (2.5 - r) ** 3, 2.5))
    assert check_smoothness(StackedPotential([model, smooth]), frames["open"], order=2) < 1e-5
    hard = Short(model, pair_term(torch.ones_like, 2.5))
    with pytest.raises(AssertionError, match=r"are 2\.5 apart, energy"):
        check_smoothness(StackedPotential([model, hard]), frames["open"])


def test_densities_that_come_with_a_jump(frames: dict[str, EllipsoidData]) -> None:
    """As AniSOAP's do, unless they fade."""

    class Density(torch.nn.Module):
        def __init__(self, **options: str) -> None:
            super().__init__()
            self.embedding = AniSOAPEmbedding([6, 1], 4.0, 2, radial_gaussian_width=1.2, **options)

        def forward(self, data: Any) -> Tensor:
            return self.embedding(data).square().sum(1)

    assert check_smoothness(Density(cutoff_function="polynomial"), frames["slab"], order=2) < 1e-5
    with pytest.raises(AssertionError, match="energ"):
        check_smoothness(Density(), frames["slab"])


def test_what_makes_no_sense(model: torch.nn.Module, frames: dict[str, EllipsoidData]) -> None:
    with pytest.raises(ValueError, match="order is 3"):
        check_smoothness(model, frames["open"], order=3)
    with pytest.raises(ValueError, match="found 1 particles in 1 frames"):
        check_smoothness(model, frames["one_open"])
    with pytest.raises(ValueError, match="the model has no cutoff"):
        check_smoothness(lambda data: data.pos[:, 0], frames["open"])


def test_functions_that_read_given_edges(frames: dict[str, EllipsoidData]) -> None:
    def counted(data: Any) -> Tensor:
        return torch.bincount(data.edge_index[1], minlength=len(data.pos)).double()

    with pytest.raises(AssertionError, match=r"are 4\.0 apart, energy\[0\]"):
        check_smoothness(counted, frames["open"].with_edges(4.0), 4.0)
