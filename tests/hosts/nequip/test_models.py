"""Symmetries and derivatives of the networks that nequip builds."""

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
from nequip_models import nequip_data, small_allegro, small_nequip

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.interop.nequip import AniSOAPNodeEmbedding


def results(model: Any, *frames: Frame) -> dict[str, torch.Tensor]:
    out = model(nequip_data(*frames))
    names = ("forces", "torques", "stress")
    return {"energy": out["total_energy"].detach()} | {name: out[name].detach() for name in names}


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


def test_coefficients_are_those_of_our_own_edges(frame: Frame) -> None:
    """Odd l change sign with the edge vector, and rows that are exchanged mix up whose density it is."""
    module = next(m for m in small_nequip().modules() if isinstance(m, AniSOAPNodeEmbedding))
    options = module.features.embedding.hyperparameters
    ours = AniSOAPEmbedding(**options).double()(frame.data)
    theirs = module.raw_features(nequip_data(frame))
    odd = module.features.embedding.irreps_out.slices()[1]
    assert largest(ours[:, odd]) > 1e-3
    assert largest(ours - theirs) < 1e-12


@pytest.mark.parametrize("build", [small_nequip, small_allegro], ids=["nequip", "allegro"])
def test_the_energy_of_the_density_is_added_in_the_unit_of_energy(build: Any, frame: Frame) -> None:
    model, data = build(per_type_energy_scales=3.0).eval(), nequip_data(frame)
    module = next(m for m in model.modules() if isinstance(m, AniSOAPNodeEmbedding))
    added = module.features.energies(module.raw_features(dict(data)), data["atom_types"].view(-1))
    whole = model(dict(data))["total_energy"]
    torch.nn.init.zeros_(module.features.energy.encoding.gain)
    assert largest(added) > 1e-6
    assert largest(whole - model(dict(data))["total_energy"] - 3 * added.sum()) < 1e-12


def test_training_on_forces_and_torques_reaches_all_weights(model: Any, frame: Frame) -> None:
    model.train()
    out = model(nequip_data(frame))
    (out["forces"].square().mean() + out["torques"].square().mean()).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


def parameters(model: Any) -> dict[str, torch.Tensor]:
    return dict(model.named_parameters())


def test_weights_of_nequip_do_not_depend_on_the_embedding() -> None:
    """A comparison of embeddings at one seed is not one of other weights."""

    density, other = parameters(small_nequip()), parameters(small_nequip(seed=2))
    shape = parameters(small_nequip(node_embedding="shape", embedding=None))
    of_nequip = [n for n in shape if ".features." not in n]
    assert len(of_nequip) > 10
    assert all(torch.equal(shape[name], density[name]) for name in of_nequip)
    drawn = [n for n in density if not n.endswith("gain")]
    assert not any(torch.equal(density[name], other[name]) for name in drawn)


def test_weights_of_allegro_do_not_depend_on_the_embedding() -> None:
    few = parameters(small_allegro())
    many = parameters(small_allegro(embedding={"max_angular": 4, "max_radial": 2}))
    ours = [n for n in few if ".features." in n or ".along_edges." in n]
    of_allegro = [n for n in few if n not in ours]
    assert len(of_allegro) > 10
    assert any(few[name].shape != many[name].shape for name in ours)
    assert all(torch.equal(few[name], many[name]) for name in of_allegro)


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
