"""Symmetries and derivatives of the networks that nequip builds."""

from typing import Any

import pytest
import torch
from ellipsoid_frames import Frame, random_orthogonal
from nequip_models import nequip_data, small_nequip

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.interop.nequip import AniSOAPNodeEmbedding


def largest(difference: torch.Tensor) -> float:
    return float(difference.detach().abs().max())


@pytest.mark.parametrize("determinant", [1, -1], ids=["rotation", "inversion"])
def test_turned_frames(
    determinant: int, model: Any, frame: Frame, generator: torch.Generator
) -> None:
    rotation = random_orthogonal(generator, determinant)
    a, b = model(nequip_data(frame)), model(nequip_data(frame.turned(rotation)))
    assert largest(a["torques"]) > 1e-3
    assert largest(a["total_energy"] - b["total_energy"]) < 1e-10
    assert largest(a["forces"] @ rotation.T - b["forces"]) < 1e-10
    axial = determinant * rotation
    assert largest(a["torques"] @ axial.T - b["torques"]) < 1e-10
    assert largest(rotation @ a["stress"] @ rotation.T - b["stress"]) < 1e-10


def test_moved_and_renumbered_frames(model: Any, frame: Frame, generator: torch.Generator) -> None:
    order = torch.randperm(len(frame.types), generator=generator)
    other = frame.permuted(order)
    other.positions = other.positions + torch.tensor([0.3, -7.0, 1.1], dtype=torch.float64)
    a, b = model(nequip_data(frame)), model(nequip_data(other))
    assert largest(a["total_energy"] - b["total_energy"]) < 1e-10
    assert largest(a["forces"][order] - b["forces"]) < 1e-10
    assert largest(a["torques"][order] - b["torques"]) < 1e-10
    assert largest(a["stress"] - b["stress"]) < 1e-10


def test_finite_differences(model: Any, frame: Frame) -> None:
    def energy(changed: Frame) -> float:
        return float(model(nequip_data(changed))["total_energy"].detach())

    def slope(change: Any) -> float:
        return (energy(change(1e-4)) - energy(change(-1e-4))) / 2e-4

    out = {name: x.detach() for name, x in model(nequip_data(frame)).items()}
    unit = torch.eye(3, dtype=torch.float64)
    for axis in unit:

        def moved(step: float, axis: torch.Tensor = axis) -> Frame:
            positions = frame.positions.clone()
            positions[3] += step * axis
            return Frame(positions, frame.orientations, frame.semiaxes, frame.types, frame.cell)

        assert -slope(moved) == pytest.approx(float(out["forces"][3] @ axis), abs=1e-6)
        torque = -slope(lambda step, axis=axis: frame.rotated_particle(3, step * axis))
        assert torque == pytest.approx(float(out["torques"][3] @ axis), abs=1e-6)
    strain = torch.tensor([[0.3, 0.2, -0.5], [0.2, -0.1, 0.4], [-0.5, 0.4, 0.6]]).double()
    work = slope(lambda step: frame.strained(step * strain)) / float(
        torch.linalg.det(frame.cell).abs()
    )
    assert work == pytest.approx(float((out["stress"][0] * strain).sum()), abs=1e-7)


def test_batches_are_their_frames(model: Any, generator: torch.Generator) -> None:
    frames = [Frame.random(n, generator) for n in (7, 5)]
    both = model(nequip_data(*frames))
    each = [model(nequip_data(frame)) for frame in frames]
    for name in ("total_energy", "forces", "torques", "stress"):
        assert largest(both[name] - torch.cat([one[name] for one in each])) < 1e-10


def test_coefficients_are_those_of_our_own_edges(frame: Frame) -> None:
    """Odd l change sign with the edge vector, and rows that are exchanged mix up whose density it is."""
    module = next(m for m in small_nequip().modules() if isinstance(m, AniSOAPNodeEmbedding))
    options = module.features.embedding.hyperparameters
    ours = AniSOAPEmbedding(**options).double()(frame.data)
    theirs = module.raw_features(nequip_data(frame))
    odd = module.features.embedding.irreps_out.slices()[1]
    assert largest(ours[:, odd]) > 1e-3
    assert largest(ours - theirs) < 1e-12


def test_training_on_forces_and_torques_reaches_all_weights(model: Any, frame: Frame) -> None:
    model.train()
    out = model(nequip_data(frame))
    (out["forces"].square().mean() + out["torques"].square().mean()).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


def test_what_the_builder_refuses() -> None:
    with pytest.raises(ValueError, match="num_features is"):
        small_nequip(num_features=[8, 8])
    with pytest.raises(ValueError, match="include_self is True"):
        small_nequip(embedding={"include_self": True})
    with pytest.raises(ValueError, match="node_embedding='shape'"):
        small_nequip(node_embedding="shape")


def test_a_missing_field_is_named(frame: Frame) -> None:
    data = nequip_data(frame)
    del data["semiaxes"]
    with pytest.raises(ValueError, match="no 'semiaxes' in the data"):
        small_nequip().eval()(data)
