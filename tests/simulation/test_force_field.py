"""One list of neighbours from call to call, and what comes out as without one."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.potentials import Mechanics, PairPotential, StackedPotential, mechanics
from anisoap_e3nn.simulation import ForceField


@pytest.fixture
def pair() -> PairPotential:
    torch.manual_seed(2)
    pair = PairPotential([6, 1], cutoff=4.0, n_radial=4, max_degree=2)
    torch.nn.init.normal_(pair.weights)
    return pair


def assert_equal(ours: Mechanics, expected: Mechanics) -> None:
    for name, x in expected._asdict().items():
        scale = float(x.abs().max()) if x.numel() else 0.0
        torch.testing.assert_close(getattr(ours, name), x, rtol=1e-11, atol=1e-12 * scale)


@pytest.mark.parametrize("frame", ["periodic", "open", "slab", "one_periodic", "one_open", "empty"])
def test_results_are_those_of_mechanics(
    frame: str, frames: dict[str, EllipsoidData], model: torch.nn.Module, pair: PairPotential
) -> None:
    data = frames[frame]
    assert_equal(ForceField(model)(data), mechanics(model, data))
    assert_equal(ForceField(pair)(data), mechanics(StackedPotential([pair]), data))
    assert "edge_index" not in data


def test_batches_and_their_own_edges_are_taken(
    frames: dict[str, EllipsoidData], model: torch.nn.Module
) -> None:
    batch = Batch.from_data_list([frames["periodic"], frames["open"], frames["slab"]])
    expected = mechanics(model, batch)
    force_field = ForceField(model, skin=0.5)
    assert_equal(force_field(batch), expected)
    assert_equal(force_field(batch.with_edges(5.0)), expected)
    assert force_field.n_searches == 1
    with pytest.raises(ValueError, match=r"searched up to 3\.0"):
        force_field(batch.with_edges(3.0))


def test_neighbours_are_kept_within_the_skin(
    frames: dict[str, EllipsoidData], pair: PairPotential, generator: torch.Generator
) -> None:
    data, force_field = frames["periodic"].clone(), ForceField(pair)
    assert force_field.cutoff == 4.0
    directions = torch.randn(data.pos.shape, generator=generator)
    directions /= directions.norm(dim=1, keepdim=True)
    for searches in (1, 1, 1, 2):
        assert_equal(force_field(data), mechanics(StackedPotential([pair]), data))
        assert force_field.n_searches == searches
        data.pos = data.pos + 0.09 * directions  # the third time beyond half of the skin, 0.2


def test_functions_search_for_themselves(frames: dict[str, EllipsoidData]) -> None:
    def trap(data: Any) -> Tensor:
        return data.pos.square().sum(1) / 2

    force_field = ForceField(trap)
    torch.testing.assert_close(force_field(frames["open"]).forces, -frames["open"].pos)
    assert force_field.cutoff is None
    assert force_field.n_searches == 0


def test_negative_skins_are_refused(pair: PairPotential) -> None:
    with pytest.raises(ValueError, match=r"skin is -0\.5"):
        ForceField(pair, skin=-0.5)
