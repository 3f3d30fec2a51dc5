"""Symmetries and derivatives of MACE on ellipsoids."""

from functools import partial
from typing import Any

import pytest
import torch
from ellipsoid_frames import Frame
from host_checks import (
    check_batches,
    check_finite_differences,
    check_moved_and_renumbered,
    check_turned,
    largest,
)
from mace_models import mace_data, small_mace

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.interop.mace.embeddings import (
    DENSITY_ENERGY,
    DensityEnergyTerm,
    EllipsoidNodeEmbedding,
    ellipsoid_inputs,
)


def results(model: Any, *frames: Frame) -> dict[str, torch.Tensor]:
    out = model(mace_data(*frames), compute_stress=True)
    return {name: out[name].detach() for name in ("energy", "forces", "torques", "stress")}


@pytest.mark.parametrize("determinant", [1, -1], ids=["rotation", "inversion"])
def test_turned_frames(
    determinant: int, model: Any, frame: Frame, generator: torch.Generator
) -> None:
    check_turned(partial(results, model), frame, determinant, generator)


def test_moved_and_renumbered_frames(model: Any, frame: Frame, generator: torch.Generator) -> None:
    check_moved_and_renumbered(partial(results, model), frame, generator)


def test_finite_differences(model: Any, frame: Frame) -> None:
    check_finite_differences(partial(results, model), frame)


def test_batches_are_their_frames(model: Any, generator: torch.Generator) -> None:
    check_batches(partial(results, model), generator)


def test_coefficients_are_those_of_our_own_edges(float64_by_default: None, frame: Frame) -> None:
    """Odd l change sign with the edge vector, and rows that are exchanged mix up whose density it is."""
    module = next(m for m in small_mace().modules() if isinstance(m, EllipsoidNodeEmbedding))
    options = module.features.embedding.hyperparameters
    ours = AniSOAPEmbedding(**options)(frame.data)
    theirs = module.raw_features(mace_data(frame))
    odd = module.features.embedding.irreps_out.slices()[1]
    assert largest(ours[:, odd]) > 1e-3
    assert largest(ours - theirs) < 1e-12


def test_the_energy_of_the_density_is_added_in_the_unit_of_energy(
    float64_by_default: None, frame: Frame
) -> None:
    model, data = small_mace(atomic_inter_scale=3.0), mace_data(frame)
    features, inputs = model.node_embedding.features, ellipsoid_inputs(data)
    added = features.energies(features.coefficients(inputs), inputs.types)
    whole = model(data)["energy"]
    torch.nn.init.zeros_(features.energy.encoding.gain)
    assert largest(added) > 1e-6
    assert largest(whole - model(data)["energy"] - 3 * added.sum()) < 1e-12


def test_repulsion_of_pairs_is_kept() -> None:
    term = DensityEnergyTerm(repulsion=lambda lengths, *others: lengths)
    term.graph = {DENSITY_ENERGY: torch.tensor([0.25])}
    assert term(torch.tensor([1.0]), None, None, None) == 1.25


def test_training_on_forces_and_torques_reaches_all_weights(model: Any, frame: Frame) -> None:
    out = model(mace_data(frame), training=True)
    (out["forces"].square().mean() + out["torques"].square().mean()).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("edge_orientations", [True, False], ids=["edges", "plain"])
@pytest.mark.parametrize(
    ("first", "max_ell", "n_other_shapes"),
    [
        ("RealAgnosticResidualInteractionBlock", 2, 0),
        ("RealAgnosticInteractionBlock", 2, 0),
        # only the density has l = 4: the first layer's maps up and down, and the radial network's last
        ("RealAgnosticResidualInteractionBlock", 4, 3),
    ],
)
def test_weights_of_mace_do_not_depend_on_the_embedding(
    first: str, max_ell: int, n_other_shapes: int, edge_orientations: bool
) -> None:
    """A comparison of embeddings at one seed is not one of other weights."""

    def weights(**options: Any) -> dict[str, torch.Tensor]:
        same = {"max_ell": max_ell, "edge_orientations": edge_orientations}
        return dict(small_mace(first, **same, **options).named_parameters())

    density, state = weights(embedding={"max_angular": 4}), torch.get_rng_state()
    shape = weights(node_embedding="shape", embedding={})
    assert torch.equal(state, torch.get_rng_state())
    of_mace = [n for n in shape if ".features." not in n]
    others = [n for n in of_mace if shape[n].shape != density[n].shape]
    assert len(of_mace) > 20
    assert len(others) == n_other_shapes
    assert all(n.startswith("interactions.0.") for n in others)
    assert all(torch.equal(shape[n], density[n]) for n in of_mace if n not in others)
    seed_2 = weights(seed=2, embedding={"max_angular": 4})
    drawn = [n for n in density if not n.endswith("gain")]
    assert not any(torch.equal(density[n], seed_2[n]) for n in drawn)


def test_the_call_leaves_data_and_model_as_they_were(model: Any, frame: Frame) -> None:
    data = mace_data(frame)
    before = data["positions"].clone()
    model(data, compute_stress=True)
    assert torch.equal(data["positions"], before)
    assert model.node_embedding.graph == {}


def test_what_is_not_computed_is_refused(model: Any, frame: Frame) -> None:
    with pytest.raises(NotImplementedError, match="found compute_hessian"):
        model(mace_data(frame), compute_hessian=True)
