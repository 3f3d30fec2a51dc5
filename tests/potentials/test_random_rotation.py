"""The transform for augmentation turns everything that has a direction."""

import pytest
import torch
from torch_geometric.data import Batch

from anisoap_e3nn.data import RandomRotation
from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.potentials import PairPotential, mechanics
from common import Ellipsoids


@pytest.mark.parametrize("spelling", ["quaternions", "matrices"])
@pytest.mark.parametrize("batched", [False, True])
def test_targets_are_those_of_the_turned_frame(
    spelling: str, batched: bool, ellipsoids: Ellipsoids, generator: torch.Generator
) -> None:
    potential = PairPotential([6, 1], 3.0, n_radial=3, max_degree=2).double()
    torch.nn.init.normal_(potential.weights, generator=generator)
    data = ellipsoids.data
    if spelling == "matrices":
        data.orientations = rotation_matrices(data.orientations)
    before = mechanics(potential, data)
    for name in ("energy", "forces", "torques", "stress"):
        data[name] = getattr(before, name)
    data = data.with_edges(3.0)
    if batched:
        data = Batch.from_data_list([data, data])
    turned = RandomRotation(generator)(data)
    assert (turned.pos - data.pos).abs().max() > 0.1
    result = mechanics(potential, turned)
    for name in ("energy", "forces", "torques", "stress"):
        expected = turned[name]
        scale = float(expected.abs().max())
        torch.testing.assert_close(getattr(result, name), expected, rtol=1e-9, atol=1e-9 * scale)
    assert torch.equal(turned.edge_index, data.edge_index)
