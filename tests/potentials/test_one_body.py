"""Energies per type: no forces, no neighbours."""

from collections.abc import Callable

import pytest
import torch
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.potentials import OneBodyPotential, StackedPotential, mechanics


@pytest.fixture
def one_body() -> OneBodyPotential:
    potential = OneBodyPotential([6, 1])
    with torch.no_grad():
        potential.weights.copy_(torch.tensor([-3.0, 0.5]))
    return potential


def asked_directly(part: OneBodyPotential, data: EllipsoidData) -> tuple[torch.Tensor, ...]:
    result = part.derivatives(data)
    return result.energies, result.forces, result.torques, result.virial


def asked_in_a_stack(part: OneBodyPotential, data: EllipsoidData) -> tuple[torch.Tensor, ...]:
    result = mechanics(StackedPotential([part]), data)
    return result.energies, result.forces, result.torques, result.virial


def asked_by_autograd(part: OneBodyPotential, data: EllipsoidData) -> tuple[torch.Tensor, ...]:
    result = mechanics(part, data)
    return result.energies, result.forces, result.torques, result.virial


@pytest.mark.parametrize("ask", [asked_directly, asked_in_a_stack, asked_by_autograd])
@pytest.mark.parametrize("name", ["periodic", "open", "one_periodic", "empty"])
def test_energies_by_type_and_nothing_else(
    one_body: OneBodyPotential,
    frames: dict[str, EllipsoidData],
    searches: list[float],
    name: str,
    ask: Callable[[OneBodyPotential, EllipsoidData], tuple[torch.Tensor, ...]],
) -> None:
    data = frames[name]
    energies, *zeros = ask(one_body, data)
    assert energies.tolist() == [{6: -3.0, 1: 0.5}[type_] for type_ in data.types.tolist()]
    shapes = [(len(data.types), 3), (len(data.types), 3), (1, 3, 3)]
    assert [tuple(x.shape) for x in zeros] == shapes
    assert not any(x.any() for x in zeros)
    assert not searches


def test_no_list_is_kept(one_body: OneBodyPotential) -> None:
    stack = StackedPotential([one_body])
    assert one_body.cutoff is None
    assert stack.cutoff is None
    assert stack.cutoff is None


def test_design_counts_particles(
    one_body: OneBodyPotential, frames: dict[str, EllipsoidData]
) -> None:
    members = [frames["open"], frames["empty"], frames["slab"]]
    design = one_body.design(Batch.from_data_list(members))
    counts = [[int((data.types == type_).sum()) for type_ in (6, 1)] for data in members]
    assert design.energy.tolist() == counts
    assert not design.forces.any()
    assert not design.torques.any()
    assert design.forces.shape == design.torques.shape == (13, 3, 2)


def test_what_makes_no_sense(one_body: OneBodyPotential, frames: dict[str, EllipsoidData]) -> None:
    for types in ([], [1, 1]):
        with pytest.raises(ValueError, match="one or more different integers"):
            OneBodyPotential(types)
    data = frames["open"].clone()
    data.types[0] = 3
    with pytest.raises(ValueError, match=r"unknown particle types \[3\].*\[6, 1\]"):
        one_body(data)
