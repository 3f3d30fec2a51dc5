"""Symmetries and derivatives of MACE on ellipsoids."""

from typing import Any

import pytest
import torch
from ellipsoid_frames import Frame, random_orthogonal
from mace_models import mace_data, small_mace

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.interop.mace.embeddings import EllipsoidNodeEmbedding


def results(model: Any, *frames: Frame) -> dict[str, torch.Tensor]:
    out = model(mace_data(*frames), compute_stress=True)
    return {name: out[name].detach() for name in ("energy", "forces", "torques", "stress")}


def largest(difference: torch.Tensor) -> float:
    return float(difference.abs().max())


@pytest.mark.parametrize("determinant", [1, -1], ids=["rotation", "inversion"])
def test_turned_frames(
    determinant: int, model: Any, frame: Frame, generator: torch.Generator
) -> None:
    rotation = random_orthogonal(generator, determinant)
    a, b = results(model, frame), results(model, frame.turned(rotation))
    assert largest(a["torques"]) > 1e-3
    assert largest(a["energy"] - b["energy"]) < 1e-10
    assert largest(a["forces"] @ rotation.T - b["forces"]) < 1e-10
    axial = determinant * rotation
    assert largest(a["torques"] @ axial.T - b["torques"]) < 1e-10
    assert largest(rotation @ a["stress"] @ rotation.T - b["stress"]) < 1e-10


def test_moved_and_renumbered_frames(model: Any, frame: Frame, generator: torch.Generator) -> None:
    order = torch.randperm(len(frame.types), generator=generator)
    other = frame.permuted(order)
    other.positions = other.positions + torch.tensor([0.3, -7.0, 1.1], dtype=torch.float64)
    a, b = results(model, frame), results(model, other)
    assert largest(a["energy"] - b["energy"]) < 1e-10
    assert largest(a["forces"][order] - b["forces"]) < 1e-10
    assert largest(a["torques"][order] - b["torques"]) < 1e-10
    assert largest(a["stress"] - b["stress"]) < 1e-10


def test_finite_differences(model: Any, frame: Frame) -> None:
    def slope(change: Any) -> float:
        energies = [float(results(model, change(step))["energy"]) for step in (1e-4, -1e-4)]
        return (energies[0] - energies[1]) / 2e-4

    out = results(model, frame)
    for axis in torch.eye(3, dtype=torch.float64):

        def moved(step: float, axis: torch.Tensor = axis) -> Frame:
            positions = frame.positions.clone()
            positions[3] += step * axis
            return Frame(positions, frame.orientations, frame.semiaxes, frame.types, frame.cell)

        assert -slope(moved) == pytest.approx(float(out["forces"][3] @ axis), abs=1e-6)
        torque = -slope(lambda step, axis=axis: frame.rotated_particle(3, step * axis))
        assert torque == pytest.approx(float(out["torques"][3] @ axis), abs=1e-6)
    strain = torch.tensor([[0.3, 0.2, -0.5], [0.2, -0.1, 0.4], [-0.5, 0.4, 0.6]]).double()
    volume = float(torch.linalg.det(frame.cell).abs())
    work = slope(lambda step: frame.strained(step * strain)) / volume
    assert work == pytest.approx(float((out["stress"][0] * strain).sum()), abs=1e-7)


def test_batches_are_their_frames(model: Any, generator: torch.Generator) -> None:
    frames = [Frame.random(n, generator) for n in (7, 5)]
    both, each = results(model, *frames), [results(model, frame) for frame in frames]
    for name, values in both.items():
        assert largest(values - torch.cat([one[name] for one in each])) < 1e-10


def test_coefficients_are_those_of_our_own_edges(float64_by_default: None, frame: Frame) -> None:
    """Odd l change sign with the edge vector, and rows that are exchanged mix up whose density it is."""
    module = next(m for m in small_mace().modules() if isinstance(m, EllipsoidNodeEmbedding))
    options = module.features.embedding.hyperparameters
    ours = AniSOAPEmbedding(**options)(frame.data)
    theirs = module.raw_features(mace_data(frame))
    odd = module.features.embedding.irreps_out.slices()[1]
    assert largest(ours[:, odd]) > 1e-3
    assert largest(ours - theirs) < 1e-12


def test_training_on_forces_and_torques_reaches_all_weights(model: Any, frame: Frame) -> None:
    out = model(mace_data(frame), training=True)
    (out["forces"].square().mean() + out["torques"].square().mean()).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


def test_the_call_leaves_data_and_model_as_they_were(model: Any, frame: Frame) -> None:
    data = mace_data(frame)
    before = data["positions"].clone()
    model(data, compute_stress=True)
    assert torch.equal(data["positions"], before)
    assert model.node_embedding.graph == {}


def test_what_is_not_computed_is_refused(model: Any, frame: Frame) -> None:
    with pytest.raises(NotImplementedError, match="found compute_hessian"):
        model(mace_data(frame), compute_hessian=True)
