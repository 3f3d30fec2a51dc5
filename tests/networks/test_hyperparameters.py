"""Hyperparameters of networks: common ones, own ones, and those that are refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.networks import (
    MACEStylePotential,
    MessagePassingOptions,
    MessagePassingPotential,
    NequIPStylePotential,
)
from anisoap_e3nn.potentials import load_model, save_model
from small_networks import CUTOFF, OneConvolution, mace, nequip, own


@pytest.mark.parametrize(
    ("build", "options", "message"),
    [
        (nequip, {"n_layers": 0}, "n_layers=0"),
        (mace, {"correlation": 4}, "correlation=4"),
        (mace, {"radial_gaussian_width": -1.0}, "radial_gaussian_width"),
        (nequip, {"density_width": 0.0}, "density_width is 0"),
        (own, {"n_radial": 0}, "n_radial is 0"),
    ],
)
def test_bad_hyperparameters_are_refused(
    build: Callable[..., MessagePassingPotential], options: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_features_without_scalars_are_refused() -> None:
    with pytest.raises(ValueError, match=r"irreps_hidden='4x1o'.*0e"):
        NequIPStylePotential([0], CUTOFF, "4x1o")


@pytest.mark.parametrize("build", [nequip, mace, own])
def test_unknown_keywords_are_refused(build: Callable[..., MessagePassingPotential]) -> None:
    name = type(build()).__name__
    with pytest.raises(
        TypeError, match=f"{name} has no hyperparameter 'spin'; expected .*n_radial"
    ):
        build(spin=0.5)


def test_irreps_that_a_subclass_chooses_cannot_be_given() -> None:
    with pytest.raises(TypeError, match="MACEStylePotential has no hyperparameter 'irreps_hidden'"):
        MACEStylePotential([0], CUTOFF, irreps_hidden="4x0e")


@pytest.mark.parametrize("build", [nequip, mace, own])
def test_they_rebuild_the_network(build: Callable[..., MessagePassingPotential]) -> None:
    options: MessagePassingOptions = {
        "max_angular": 2,
        "max_radial": [1, 1, 0],
        "radial_gaussian_width": 1.1,
        "density_width": 0.5,
        "max_angular_edges": 3,
        "n_radial": 3,
        "radial_layers": [5],
        "edge_orientations": False,
    }
    network = build(**options)
    assert options.items() <= network.hyperparameters.items()
    same = type(network)(**network.hyperparameters)
    assert same.hyperparameters == network.hyperparameters
    same.load_state_dict(network.state_dict())


def test_edges_have_the_l_of_the_features_by_default() -> None:
    assert nequip().hyperparameters["max_angular_edges"] == 2
    potential = MACEStylePotential([0], CUTOFF, 2, max_angular_products=3, n_layers=1)
    assert potential.hyperparameters["max_angular_edges"] == 3


@pytest.mark.parametrize("build", [nequip, mace, own])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x.update(spin=0.5), "has other hyperparameters .*'spin'"),
        (lambda x: x.pop("cutoff"), "has other hyperparameters .*'cutoff'"),
        (lambda x: x.pop("radial_layers"), r"of shape \(.* instead of"),
    ],
    ids=["unknown", "missing", "missing_option"],
)
def test_checkpoints_with_others_are_refused(
    build: Callable[..., MessagePassingPotential],
    change: Callable[[dict[str, Any]], object],
    message: str,
    tmp_path: Path,
) -> None:
    path, allow = tmp_path / "model.pt", [OneConvolution]
    save_model(build(), path, allow=allow)
    contents = torch.load(path, weights_only=True)
    described = json.loads(contents["model"])
    change(described["arguments"])
    torch.save(contents | {"model": json.dumps(described)}, path)
    with pytest.raises(ValueError, match=message):
        load_model(path, allow=allow)


def test_networks_return_one_number_for_each_particle(frames: dict[str, EllipsoidData]) -> None:
    class Column(OneConvolution):
        def network(self, *inputs: Any) -> Tensor:
            return super().network(*inputs)[:, None]

    with pytest.raises(
        ValueError, match=r"Column.network returned shape \(5, 1\), expected \(5,\)"
    ):
        Column([6, 1], CUTOFF, 2)(frames["slab"])
