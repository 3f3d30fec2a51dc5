"""A training step of a network of messages, compiled whole."""

from collections.abc import Callable

import pytest
import torch
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.fitting import MechanicsLoss
from anisoap_e3nn.networks import (
    MACEStylePotential,
    MessagePassingPotential,
    NequIPStylePotential,
)
from anisoap_e3nn.potentials import compile_mechanics, mechanics
from common import needs_compiler, needs_traceable_e3nn

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.usefixtures("fresh_compiler"),
    needs_compiler,
    needs_traceable_e3nn,
    # where the torch engine is traced
    pytest.mark.filterwarnings("ignore:(?s).*lru_cache:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
]


# small, since tracing takes as long for any number of channels; orientations of edges would double it
SMALL = {
    "n_layers": 1,
    "max_angular": 1,
    "max_radial": 0,
    "n_radial": 2,
    "radial_layers": [4],
    "edge_orientations": False,
}
POTENTIALS: dict[str, Callable[[], MessagePassingPotential]] = {
    "NequIP-style": lambda: NequIPStylePotential(
        [6, 1], 4.0, "4x0e+2x1o", include_self=True, **SMALL
    ),
    # without products of three, which are traced as those of two
    "MACE-style": lambda: MACEStylePotential([6, 1], 4.0, 2, 0, 1, 2, include_self=True, **SMALL),
}


@pytest.mark.parametrize("name", POTENTIALS)
def test_training_steps(
    name: str, frames: dict[str, EllipsoidData], generator: torch.Generator
) -> None:
    """One graph for batches of any size; its gradients are those of the uncompiled step."""
    torch.manual_seed(1)
    potential = POTENTIALS[name]()
    for data in frames.values():
        data.energy = torch.randn(1, generator=generator)
        data.forces, data.torques = torch.randn(2, len(data.pos), 3, generator=generator)
    some = [frames[each].with_edges(4.0) for each in ("periodic", "open", "slab")]
    loss = MechanicsLoss(some)
    potential.standardize(some)
    compiled = compile_mechanics(potential, create_graph=True, backend="aot_eager")
    weights = list(potential.parameters())
    for batch in (Batch.from_data_list(some), Batch.from_data_list(some[1:])):
        steps = [
            torch.autograd.grad(loss(result, batch), weights)
            for result in (compiled(batch), mechanics(potential, batch, create_graph=True))
        ]
        for found, expected in zip(*steps, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-12)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
