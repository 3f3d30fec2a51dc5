"""Arguments of the wrong kind are refused by name; those of NumPy and torch are stored as plain numbers."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.networks import MACEStylePotential, NequIPStylePotential
from anisoap_e3nn.potentials import ManyBodyPotential, OneBodyPotential, PairPotential


def embedding(**changes: Any) -> AniSOAPEmbedding:
    arguments = {"types": [0, 1], "cutoff": 4.0, "max_angular": 2, "radial_gaussian_width": 1.0}
    return AniSOAPEmbedding(**(arguments | changes))


def pair(**changes: Any) -> PairPotential:
    return PairPotential(**({"types": [0, 1], "cutoff": 4.0} | changes))


def many_body(**changes: Any) -> ManyBodyPotential:
    return ManyBodyPotential(
        **({"types": [0, 1], "cutoff": 4.0, "max_angular": 1, "max_radial": 0} | changes)
    )


def nequip(**changes: Any) -> NequIPStylePotential:
    arguments = {"types": [0, 1], "cutoff": 4.0, "irreps_hidden": "2x0e+2x1o", "max_angular": 1}
    return NequIPStylePotential(**(arguments | changes))


def mace(**changes: Any) -> MACEStylePotential:
    arguments = {"types": [0, 1], "cutoff": 4.0, "n_channels": 2, "max_angular": 1, "n_layers": 1}
    return MACEStylePotential(**(arguments | changes))


def one_body(**changes: Any) -> OneBodyPotential:
    return OneBodyPotential(**({"types": [0, 1]} | changes))


BUILDERS = [embedding, pair, many_body, nequip, mace, one_body]


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize(
    "types",
    [
        [0.7, 1.2],
        "01",
        [True, 5],
        None,
        3,
        ["0", "1"],
        [None],
        np.array([0.0, 1.0]),
        torch.tensor(3),
    ],
    ids=str,
)
def test_types_are_integers(build: Callable[..., Any], types: Any) -> None:
    with pytest.raises(TypeError, match=r"types(\[\d\])? is .*, expected"):
        build(types=types)


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize(
    "types", [np.array([6, 1]), torch.tensor([6, 1]), (6, 1), [np.int32(6), np.uint8(1)]], ids=str
)
def test_integers_of_every_kind(build: Callable[..., Any], types: Any) -> None:
    model = build(types=types)
    assert model.types == [6, 1]
    assert json.loads(json.dumps(model.hyperparameters))["types"] == [6, 1]


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (embedding, "max_angular"),
        (embedding, "max_radial"),
        (many_body, "max_angular"),
        (many_body, "max_radial"),
        (pair, "n_radial"),
        (pair, "max_degree"),
        (nequip, "n_layers"),
        (nequip, "max_angular_edges"),
        (nequip, "n_radial"),
        (mace, "n_channels"),
        (mace, "correlation"),
        (mace, "max_angular_hidden"),
        (mace, "max_angular_products"),
    ],
)
def test_whole_numbers(build: Callable[..., Any], name: str) -> None:
    for number in (np.int64(2), np.uint8(2), torch.tensor(2), np.array(2)):
        model = build(**{name: number})
        assert type(model.hyperparameters[name]) is int
        assert json.loads(json.dumps(model.hyperparameters))[name] == 2
    for wrong in (2.0, "2", True, 1.5, np.float64(2)):
        with pytest.raises(TypeError, match=f"{name} is .*, expected (an integer|a list)"):
            build(**{name: wrong})


@pytest.mark.parametrize(
    ("build", "name"),
    [(embedding, "max_radial"), (many_body, "hidden"), (nequip, "radial_layers")],
)
def test_lists_of_whole_numbers(build: Callable[..., Any], name: str) -> None:
    for numbers in (np.array([2, 1, 1]), torch.tensor([2, 1, 1]), (2, np.int64(1), 1)):
        changes = {"max_angular": 2, name: numbers}
        assert build(**changes).hyperparameters[name] == [2, 1, 1]
    for wrong in ([2.0, 1, 1], "211", [[2], [1], [1]], [True, 1, 1]):
        with pytest.raises(TypeError, match=rf"{name}(\[0\])? is .*, expected"):
            build(**{name: wrong})


@pytest.mark.parametrize("build", [embedding, pair, many_body, nequip, mace])
@pytest.mark.parametrize("cutoff", ["4", None, [4.0], True, torch.ones(2), 1j], ids=str)
def test_cutoffs_are_numbers(build: Callable[..., Any], cutoff: Any) -> None:
    with pytest.raises(TypeError, match=r"cutoff is .*, expected a finite length > 0"):
        build(cutoff=cutoff)


@pytest.mark.parametrize("name", ["include_self", "per_center_type"])
def test_flags(name: str) -> None:
    for wrong in ("apart", "False", 1, 0.0, None, [True]):
        with pytest.raises(TypeError, match=f"{name} is .*, expected True"):
            embedding(irreps_out="2x0e", **{name: wrong})
    layer = embedding(irreps_out="2x0e", **{name: np.bool_(True)})
    assert layer.hyperparameters[name] is True
