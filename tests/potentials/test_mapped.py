"""Potentials under ``torch.vmap``."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from anisoap_e3nn.gay_berne import GayBerne
from anisoap_e3nn.graph import edges_of
from anisoap_e3nn.potentials import ManyBodyPotential, PairPotential, StackedPotential
from models_of_each_kind import frame, with_weights

MODELS = {
    "pair": lambda: PairPotential([6, 1], 4.0, n_radial=4, max_degree=2),
    "many-body": lambda: ManyBodyPotential([6, 1], 4.0, 2, None),
    "gay-berne": lambda: GayBerne([6, 1], 4.0),
    "stack": lambda: StackedPotential([PairPotential([6, 1], 4.0, 4, 2)]),
}


DATA = frame(torch.float64)
EDGES = edges_of(DATA, 4.0)


def with_edges(pos: Tensor, **changes: Any) -> Any:
    fields = {name: DATA[name] for name in ("orientations", "semiaxes", "types", "cell", "pbc")}
    graph = {"edge_index": EDGES.edge_index, "edge_shifts": EDGES.edge_shifts}
    return SimpleNamespace(pos=pos, **(fields | graph | changes))


@pytest.mark.parametrize("name", MODELS)
def test_energies_and_gradients_of_several_members(name: str, generator: torch.Generator) -> None:
    model = MODELS[name]().double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, generator=generator)
    noise = 0.1 * torch.randn(3, 4, 3, dtype=torch.float64, generator=generator)
    positions = DATA.pos + noise

    def energy(pos: Tensor) -> Tensor:
        return model(with_edges(pos)).sum()

    for function in (energy, torch.func.grad(energy)):
        expected = torch.stack([function(pos) for pos in positions])
        torch.testing.assert_close(torch.func.vmap(function)(positions), expected)


def test_graphs_that_differ_between_members() -> None:
    """Other edges for each member, and particles that are neighbours of their own images."""
    pair = with_weights("pair").double()
    pos, edge_index = DATA.pos.expand(2, 4, 3), EDGES.edge_index
    members = torch.stack([edge_index, edge_index.roll(1, 1)])  # in another order
    energies = torch.func.vmap(lambda r, edges: pair(with_edges(r, edge_index=edges)).sum())
    expected = pair(DATA).sum().expand(2)
    torch.testing.assert_close(energies(pos, members), expected)
    images = {
        "edge_index": torch.tensor([[0, 0], [0, 0]]),
        "edge_shifts": torch.tensor([[1.0, 0, 0], [-1, 0, 0]], dtype=torch.float64),
        "cell": 3 * torch.eye(3, dtype=torch.float64)[None],
    }
    expected = torch.stack([pair(with_edges(DATA.pos, **images))] * 2)
    assert expected.any()
    torch.testing.assert_close(
        torch.func.vmap(lambda r: pair(with_edges(r, **images)))(pos), expected
    )
