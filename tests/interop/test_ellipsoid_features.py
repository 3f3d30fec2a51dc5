"""Features of ellipsoids for the networks of other projects."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from e3nn import o3

from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.interop.ellipsoid_arrays import fault_of_arrays, fault_of_positions
from anisoap_e3nn.interop.ellipsoid_features import (
    EllipsoidFeatures,
    EllipsoidInputs,
    ShapeFeatures,
    refuse_unknown_hyperparameters,
)
from common import Ellipsoids

CUTOFF = 3.0
IRREPS = "2x2e + 3x1o + 4x0e"  # scalars last, as no host has them


def inputs(ellipsoids: Ellipsoids) -> dict[str, torch.Tensor]:
    """With types that count from 0."""
    tensors = ellipsoids.inputs(CUTOFF)
    tensors["types"] = (tensors["types"] == 6).long()
    return tensors


@pytest.mark.parametrize(
    "features",
    [
        lambda: EllipsoidFeatures(2, CUTOFF, IRREPS, max_angular=3, max_radial=1),
        lambda: ShapeFeatures(2, IRREPS),
    ],
    ids=["density", "shape"],
)
def test_equivariance(features: Any, float64_by_default: None, ellipsoids: Ellipsoids) -> None:
    torch.manual_seed(0)
    layer, tensors = features(), inputs(ellipsoids)
    layer.measure(layer.coefficients(EllipsoidInputs(**tensors)))
    rotation = o3.rand_matrix()
    h = layer(layer.coefficients(EllipsoidInputs(**tensors)), tensors["types"])
    turned = tensors | {
        "edge_vectors": tensors["edge_vectors"] @ rotation.T,
        "orientations": rotation @ rotation_matrices(tensors["orientations"]),
    }
    h_turned = layer(layer.coefficients(EllipsoidInputs(**turned)), tensors["types"])
    expected = h @ layer.irreps_out.D_from_matrix(rotation).T
    assert (h_turned - expected).abs().max() < 1e-10 * h.abs().max()
    if isinstance(layer, EllipsoidFeatures):
        before, after = (
            layer.energies(layer.coefficients(EllipsoidInputs(**x)), x["types"])
            for x in (tensors, turned)
        )
        assert (after - before).abs().max() < 1e-10 * before.abs().max()


def test_random_numbers_drawn_afterwards_do_not_depend_on_the_features() -> None:
    def number_after(features: Callable[[], torch.nn.Module], seed: int) -> float:
        torch.manual_seed(seed)
        features()
        return float(torch.rand(()))

    kinds: list[Callable[[], torch.nn.Module]] = [
        lambda: EllipsoidFeatures(1, CUTOFF, IRREPS, max_angular=2, max_radial=1),
        lambda: EllipsoidFeatures(2, CUTOFF, IRREPS, max_angular=3, max_radial=2),
        lambda: ShapeFeatures(2, IRREPS),
    ]
    assert len({number_after(features, seed=1) for features in kinds}) == 1
    assert number_after(kinds[0], seed=1) != number_after(kinds[0], seed=2)


def test_features_are_of_the_particle_and_energies_of_its_neighbours(
    float64_by_default: None, ellipsoids: Ellipsoids
) -> None:
    torch.manual_seed(0)
    layer = EllipsoidFeatures(2, CUTOFF, IRREPS, max_angular=3, max_radial=1)
    tensors = inputs(ellipsoids)
    types, coefficients = tensors["types"], layer.coefficients(EllipsoidInputs(**tensors))
    no_edges = {"edge_vectors": torch.zeros(0, 3), "edge_index": tensors["edge_index"][:, :0]}
    alone = layer.coefficients(EllipsoidInputs(**(tensors | no_edges)))
    assert torch.equal(layer(coefficients, types), layer(alone, types))
    assert layer(coefficients, types)[:, layer.irreps_out.slices()[0]].abs().max() > 1e-3  # l = 2
    assert layer.energies(coefficients, types).abs().min() > 0
    assert not layer.energies(alone, types).any()


def test_scalars_of_particles_of_one_shape_are_not_small(
    float64_by_default: None, ellipsoids: Ellipsoids
) -> None:
    """What the encoding knows of them is the same for all; hosts read what differs between types."""
    torch.manual_seed(0)
    layer = EllipsoidFeatures(2, CUTOFF, "64x0e + 64x2e", max_angular=3, max_radial=1)
    tensors = inputs(ellipsoids)
    tensors["semiaxes"] = tensors["semiaxes"][:1].expand_as(tensors["semiaxes"])
    coefficients = layer.coefficients(EllipsoidInputs(**tensors))
    layer.measure(coefficients)
    first, second = (
        layer(coefficients, torch.full_like(tensors["types"], type_))[:, :64] for type_ in (0, 1)
    )
    assert (first - first[0]).abs().max() < 1e-6
    for scalars in (first, second, (first - second) / 2**0.5):
        assert 0.4 < scalars.square().mean().sqrt() < 0.8


def test_faults_of_positions(generator: torch.Generator) -> None:
    x, cell = 5 * np.random.default_rng(3).random((6, 3)), np.diag([5.0, 6.0, 7.0])
    for pbc in ([True] * 3, [False] * 3, [True, False, True]):
        assert fault_of_positions(x, cell, pbc) == ""
        assert (
            fault_of_positions(torch.tensor(x), torch.tensor(cell)[None], torch.tensor(pbc)) == ""
        )
    assert fault_of_positions(x, np.zeros((3, 3)), [False] * 3) == ""
    assert "no particles" in fault_of_positions(np.zeros((0, 3)), cell, [True] * 3)
    assert "axes [0, 1, 2] are periodic" in fault_of_positions(x, np.zeros((3, 3)), [True] * 3)
    flat = np.array([[5.0, 0, 0], [10.0, 0, 0], [0, 0, 7.0]])
    assert "axes [0, 1] are periodic" in fault_of_positions(x, flat, [True, True, False])
    assert fault_of_positions(x, flat, [True, False, True]) == ""
    image = np.concatenate([x, x[4:5] + cell[1] - 2 * cell[2]])
    assert "particles 4 and 6 are in" in fault_of_positions(image, cell, [True] * 3)
    assert fault_of_positions(image, cell, [True, False, True]) == ""
    x[3, 1] = np.inf
    assert "positions of particle 3 is" in fault_of_positions(x, cell, [True] * 3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "max_angulr",
            "unknown hyperparameter 'max_angulr' in embedding; did you mean 'max_angular'",
        ),
        ("colour", "unknown hyperparameter 'colour' in embedding; expected some of max_angular, "),
        ("cutoff", "found 'cutoff' in embedding, expected it from the model"),
        ("types", "found 'types' in embedding, expected it from the model"),
    ],
)
def test_hyperparameters_that_are_none(name: str, message: str) -> None:
    refuse_unknown_hyperparameters({"max_radial": 3, "density_width": 0.5})
    with pytest.raises(ValueError, match=message):
        refuse_unknown_hyperparameters({"max_radial": 3, name: 1})


def test_faults_of_arrays() -> None:
    def arrays(**changes: Any) -> dict[str, Any]:
        good = {
            "orientations": np.eye(2, 4),
            "semiaxes": np.ones((2, 3)),
            "torques": np.zeros((2, 3)),
        }
        return good | changes

    names = ("orientations", "semiaxes", "torques")
    assert fault_of_arrays(arrays(), 2, names) == ""
    assert "found no 'torques'" in fault_of_arrays({}, 2, ("torques",))
    for changes, message in (
        ({"semiaxes": np.ones((2, 1))}, "semiaxes has shape (2, 1), expected (2, 3)"),
        ({"semiaxes": -np.ones((2, 3))}, "semiaxes of particle 0 is [-1.0, -1.0, -1.0]"),
        ({"torques": np.full((2, 3), np.nan)}, "torques of particle 0 is [nan, nan, nan]"),
        ({"orientations": np.eye(2, 4) * [[1], [0]]}, "orientations of particle 1 is the zero"),
    ):
        assert message in fault_of_arrays(arrays(**changes), 2, names)
