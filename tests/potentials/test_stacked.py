"""Stacks of potentials: sharing a graph changes nothing but the number of searches."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.gay_berne import GayBerne
from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.graph import Edges, VerletList, neighbor_list
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    Mechanics,
    OneBodyPotential,
    PairPotential,
    Potential,
    StackedPotential,
    mechanics,
)
from anisoap_e3nn.testing import check_batches, check_precision

NAMES = ["periodic", "open", "slab", "one_periodic", "one_open", "empty"]
CUTOFFS = {"pair": 4.5, "linear": 3.5, "perceptron": 4.0}


@pytest.fixture
def parts(generator: torch.Generator) -> dict[str, Potential]:
    torch.manual_seed(3)
    made: dict[str, Potential] = {
        "one_body": OneBodyPotential([6, 1]),
        "pair": PairPotential([6, 1], CUTOFFS["pair"], n_radial=4, max_degree=3, decay_length=1.5),
        "linear": ManyBodyPotential([6, 1], CUTOFFS["linear"], 3, None),
        "perceptron": ManyBodyPotential([6, 1], CUTOFFS["perceptron"], 2, None, hidden=(4,)),
    }
    with torch.no_grad():
        for name, size in (("one_body", 1.0), ("pair", 0.02), ("linear", 30.0)):
            made[name].weights.normal_(generator=generator).mul_(size)
        made["perceptron"].scales.mul_(0.02)
    return made


@pytest.fixture
def stack(parts: dict[str, Potential]) -> StackedPotential:
    return StackedPotential(parts.values())


class Witness(Potential):
    """Remembers what edges it was given."""

    def __init__(self, cutoff: float) -> None:
        super().__init__()
        self.cutoff, self.given = cutoff, []

    def forward(self, data: Any, edges: Edges | None = None) -> Tensor:
        self.given.append(edges)
        return data.pos.sum(1)


def separately(parts: dict[str, Potential], data: Any, **options: bool) -> Mechanics:
    """The sum of the parts, each with neighbours of its own and by autograd."""
    results = [mechanics(lambda x, part=part: part(x), data, **options) for part in parts.values()]
    return Mechanics(*(sum(each) for each in zip(*results, strict=True)))


def assert_close(found: Mechanics, expected: Mechanics, tolerance: float = 1e-12) -> None:
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("body_frame", [False, True], ids=["space", "body"])
@pytest.mark.parametrize("name", NAMES)
def test_a_stack_is_the_sum_of_its_parts(
    backend: str,
    stack: StackedPotential,
    parts: dict[str, Potential],
    spaced: dict[str, EllipsoidData],
    name: str,
    body_frame: bool,
) -> None:
    data = spaced[name]
    found = mechanics(stack, data, body_frame=body_frame)
    assert_close(found, separately(parts, data, body_frame=body_frame))
    torch.testing.assert_close(stack(data), found.energies, rtol=1e-13, atol=1e-13)
    assert not any(x.requires_grad for x in found)
    if name in ("periodic", "open", "slab"):
        for part in parts.values():
            energies = mechanics(part, data).energies
            assert energies.abs().max() > 1e-2  # each has a say


@pytest.mark.parametrize("cutoff", [4.0, 5.0], ids=["shorter", "longer"])
def test_gay_berne_is_a_term(
    parts: dict[str, Potential],
    spaced: dict[str, EllipsoidData],
    searches: list[float],
    cutoff: float,
) -> None:
    terms = [GayBerne([6, 1], cutoff, sigma=0.5, smoothing_width=0.5), parts["one_body"]]
    terms.append(parts["pair"])
    stack = StackedPotential(terms)
    data = spaced["slab"]
    found, energies = mechanics(stack, data), stack(data)
    assert searches == [max(cutoff, CUTOFFS["pair"])] * 2
    assert_close(found, separately(dict(enumerate(terms)), data))
    torch.testing.assert_close(energies, found.energies, rtol=1e-13, atol=1e-13)
    assert 1e-2 < mechanics(terms[0], data).forces.abs().max() < math.inf


def test_batches_with_matrices_for_orientations(
    stack: StackedPotential, parts: dict[str, Potential], spaced: dict[str, EllipsoidData]
) -> None:
    for data in spaced.values():
        data.orientations = rotation_matrices(data.orientations)
    frames = [spaced[name] for name in NAMES]
    batch = Batch.from_data_list(frames)
    assert_close(mechanics(stack, batch), separately(parts, batch))
    check_batches(stack, frames)


@pytest.mark.parametrize("name", ["periodic", "slab", "open"])
def test_every_part_gets_exactly_its_edges(
    frames: dict[str, EllipsoidData], name: str, searches: list[float]
) -> None:
    witnesses = [Witness(cutoff) for cutoff in (2.0, 4.5, 2.0, 3.1)]
    data = frames[name]
    StackedPotential(witnesses)(data)
    assert searches == [4.5]
    for witness in witnesses:
        (edges,) = witness.given
        expected = neighbor_list(data.pos, witness.cutoff, cell=data.cell, pbc=data.pbc)

        def rows(index: Tensor, shifts: Tensor) -> set[tuple[float, ...]]:
            return set(map(tuple, torch.cat([index.T, shifts], 1).tolist()))

        assert rows(edges.edge_index, edges.edge_shifts) == rows(*expected)
    assert witnesses[0].given[0] is witnesses[2].given[0]


def test_one_search(
    stack: StackedPotential, spaced: dict[str, EllipsoidData], searches: list[float]
) -> None:
    stack(spaced["slab"])
    assert searches == [4.5]
    mechanics(stack, spaced["slab"])
    assert searches == [4.5] * 2
    mechanics(stack, spaced["slab"].with_edges(5.0))
    assert searches == [4.5] * 2 + [5.0]


@pytest.mark.parametrize("skin", [0.0, 0.6])
def test_a_list_that_is_kept(
    stack: StackedPotential,
    spaced: dict[str, EllipsoidData],
    searches: list[float],
    generator: torch.Generator,
    skin: float,
) -> None:
    data = spaced["slab"]
    neighbors = VerletList(stack.cutoff, skin)
    for step, expected in enumerate(("first", "inside", "inside", "far")):
        if step > 0:
            length = 1.0 if expected == "far" else 0.14
            moves = torch.randn(data.pos.shape, generator=generator)
            data.pos = data.pos + length * moves / moves.norm(dim=1, keepdim=True)
        before = neighbors.n_searches
        found = mechanics(stack, data, neighbors=neighbors)
        needed = int(skin == 0 or expected != "inside")
        assert neighbors.n_searches - before == needed
        assert_close(found, mechanics(stack, data))
    n_kept = 4 if skin == 0 else 2
    assert len(searches) == n_kept + 4  # and those of the comparison


def test_parts_with_derivatives_of_their_own_need_no_autograd(
    parts: dict[str, Potential],
    spaced: dict[str, EllipsoidData],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("autograd was asked")

    monkeypatch.setattr(torch.autograd, "grad", refuse)
    analytic = StackedPotential([parts["one_body"], parts["pair"]])
    mechanics(analytic, spaced["slab"])
    with pytest.raises(AssertionError, match="autograd was asked"):
        mechanics(StackedPotential(parts.values()), spaced["slab"])


def test_training_on_everything(
    stack: StackedPotential, parts: dict[str, Potential], spaced: dict[str, EllipsoidData]
) -> None:
    """Gradients of a loss with respect to all parameters."""
    batch = Batch.from_data_list([spaced[name] for name in ("slab", "open", "one_periodic")])

    def gradients(result: Mechanics) -> list[Tensor]:
        loss = sum(x.square().sum() + x.sum() for x in result)
        return list(torch.autograd.grad(loss, list(stack.parameters())))

    found = gradients(mechanics(stack, batch, create_graph=True))
    expected = gradients(separately(parts, batch, create_graph=True))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10 * float(b.abs().max()))


def test_design(parts: dict[str, Potential], spaced: dict[str, EllipsoidData]) -> None:
    stack = StackedPotential([parts[name] for name in ("linear", "one_body", "pair")])
    batch = Batch.from_data_list([spaced[name] for name in NAMES])
    design, expected = stack.design(batch), mechanics(stack, batch)
    weights = torch.cat([part.weights.detach().flatten() for part in stack.components])
    for columns, target in zip(
        design, (expected.energy, expected.forces, expected.torques), strict=True
    ):
        torch.testing.assert_close(columns @ weights, target, rtol=1e-11, atol=1e-11)
    stack.set_linear_weights(2 * weights)
    torch.testing.assert_close(mechanics(stack, batch).forces, 2 * expected.forces)


def test_single_precision(stack: StackedPotential, spaced: dict[str, EllipsoidData]) -> None:
    check_precision(stack, spaced["slab"])


def test_what_makes_no_sense(
    stack: StackedPotential, parts: dict[str, Potential], spaced: dict[str, EllipsoidData]
) -> None:
    data = spaced["slab"]
    with pytest.raises(ValueError, match="expected one or more Modules"):
        StackedPotential([])
    with pytest.raises(TypeError, match="components contains a function"):
        StackedPotential([lambda data: data.pos[:, 0]])
    with pytest.raises(TypeError, match="not linear in its weights, ManyBodyPotential"):
        stack.design(data)
    short = VerletList(parts["linear"].cutoff)
    with pytest.raises(ValueError, match=r"cutoff 3\.5, expected 4\.5 or more"):
        mechanics(stack, data, neighbors=short)
    with pytest.raises(ValueError, match=r"searched up to 4\.0"):
        mechanics(stack, data.with_edges(4.0))
    unknown = data.clone()
    unknown.types[0] = 8
    for evaluate in (stack, lambda data: mechanics(stack, data)):
        with pytest.raises(ValueError, match=r"unknown particle types \[8\]"):
            evaluate(unknown)
