"""Many-body potential: derivatives of features against autograd, standardisation, readouts by type."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData, PowerSpectrum
from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.potentials import ManyBodyPotential, mechanics
from anisoap_e3nn.testing import (
    check_derivatives,
    check_equivariance,
    check_gradients,
    check_smoothness,
)

NAMES = ["periodic", "open", "slab", "one_periodic", "one_open", "empty"]


@pytest.fixture
def linear(frames: dict[str, EllipsoidData], generator: torch.Generator) -> ManyBodyPotential:
    potential = ManyBodyPotential([6, 1], 4.0, 3, None, 1.0, density_width=0.6)
    potential.standardize([frames["periodic"], frames["open"]])
    torch.nn.init.normal_(potential.weights, generator=generator)
    return potential


@pytest.fixture
def perceptron(frames: dict[str, EllipsoidData]) -> ManyBodyPotential:
    torch.manual_seed(2)
    potential = ManyBodyPotential([6, 1], 4.0, 3, None, hidden=(5, 4))
    potential.standardize([frames["periodic"], frames["open"]])
    return potential


def assert_close(a: Tensor, b: Tensor, tolerance: float = 1e-12) -> None:
    scale = 1 + float(b.detach().abs().max()) if b.numel() else 0.0
    torch.testing.assert_close(a.detach(), b.detach(), rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("spelling", ["quaternions", "matrices"])
@pytest.mark.parametrize("name", NAMES)
def test_design_contracted_with_the_weights(
    backend: str,
    linear: ManyBodyPotential,
    frames: dict[str, EllipsoidData],
    name: str,
    spelling: str,
) -> None:
    data = frames[name]
    if spelling == "matrices":
        data.orientations = rotation_matrices(data.orientations)
    expected, design = mechanics(linear, data), linear.design(data)
    weights = linear.weights.detach().flatten()
    # terms of a sum may be much larger than the sum
    terms = (
        max(float((x.abs() @ weights.abs()).max()) for x in design if x.numel())
        if len(data.types)
        else 0
    )
    for rows, target in zip(
        design, (expected.energy, expected.forces, expected.torques), strict=True
    ):
        torch.testing.assert_close(rows @ weights, target, rtol=0.0, atol=1e-12 * terms)
    if name in ("periodic", "open", "slab"):
        assert expected.torques.abs().max() > 1e-2


def test_design_in_pieces_and_in_batches(
    linear: ManyBodyPotential, frames: dict[str, EllipsoidData], monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [frames[name] for name in NAMES]
    one_by_one = [linear.design(data) for data in members]
    monkeypatch.setattr("anisoap_e3nn.potentials.many_body._DESIGN_CHUNK", 7)
    batch = linear.design(Batch.from_data_list(members))
    for found, parts in zip(batch, zip(*one_by_one, strict=True), strict=True):
        assert_close(found, torch.cat(parts), tolerance=1e-11)


def test_features_are_those_of_the_layers(frames: dict[str, EllipsoidData]) -> None:
    """Before they are standardized."""
    basis = {"radial_gaussian_width": 1.2, "density_width": 0.7}
    potential = ManyBodyPotential([6, 1], 4.0, 3, 1, **basis)
    options = {"cutoff_function": "polynomial", "include_self": "separate"}
    embedding = AniSOAPEmbedding([6, 1], 4.0, 3, 1, radial_gaussian_width=1.2, **options)
    spectrum = PowerSpectrum(embedding.irreps_out, filter_ir_out=["0e"])
    data = frames["slab"]
    features = potential.features(data)
    data.semiaxes = 0.7 * data.semiaxes
    torch.testing.assert_close(features, spectrum(embedding(data)))
    assert len(potential.channels) == potential.n_features == spectrum.irreps_out.dim


def test_standard_features(frames: dict[str, EllipsoidData]) -> None:
    potential = ManyBodyPotential([6, 1], 4.0, 3, None)
    some = [frames[name] for name in ("periodic", "open", "slab")]
    raw = torch.cat([potential.features(data) for data in some]).numpy()
    types = torch.cat([data.types for data in some])
    potential.standardize(iter(some))
    for kind, type_ in enumerate((6, 1)):
        members = raw[(types == type_).numpy()]
        np.testing.assert_allclose(potential.means[kind], members.mean(0), rtol=1e-12)
        np.testing.assert_allclose(potential.scales[kind], members.std(0), rtol=1e-9)
    together = ManyBodyPotential([6, 1], 4.0, 3, None)
    together.standardize([Batch.from_data_list(some)])
    torch.testing.assert_close(together.means, potential.means)
    torch.testing.assert_close(together.scales, potential.scales)


def test_features_that_do_not_vary_and_types_that_do_not_occur() -> None:
    potential = ManyBodyPotential([6, 1], 4.0, 3, None)
    alone = EllipsoidData([[0.0, 0, 0]], [[1.0, 0, 0, 0]], [[1.0, 1, 1]], [6])
    potential.standardize([alone, alone])
    assert potential.scales.isfinite().all()
    assert (potential.scales > 0).all()
    assert potential.features(alone).abs().max() < 1e-12
    assert not potential.means[1].any()
    assert (potential.scales[1] == 1).all()


def test_a_perceptron_for_each_type(
    perceptron: ManyBodyPotential, frames: dict[str, EllipsoidData]
) -> None:
    data = frames["open"]
    energies, features = perceptron(data), perceptron.features(data)
    assert set(data.types.tolist()) == {6, 1}
    for energy, row, type_ in zip(energies, features, data.types.tolist(), strict=True):
        readout = perceptron.perceptrons[perceptron.types.index(type_)]
        torch.testing.assert_close(energy, readout(row).squeeze(0))
    widths = [layer.weight.shape for layer in readout if isinstance(layer, torch.nn.Linear)]
    assert widths == [(5, perceptron.n_features), (4, 5), (1, 4)]


@pytest.mark.parametrize("kind", ["linear", "perceptron"])
def test_symmetries_and_derivatives(
    request: pytest.FixtureRequest, frames: dict[str, EllipsoidData], kind: str
) -> None:
    potential = request.getfixturevalue(kind)
    check_equivariance(potential, frames["slab"])
    check_derivatives(potential, frames["slab"], directions=3)
    check_smoothness(potential, frames["open"])
    check_gradients(potential, frames["slab"])


def test_nothing_is_felt_beyond_the_cutoff(perceptron: ManyBodyPotential) -> None:
    turns = [[1.0, 0.3, 0.2, 0.1], [0.2, 0.5, -0.4, 0.8]]
    inside, outside = (
        mechanics(
            perceptron,
            EllipsoidData([[0, 0, 0], [0, 0, r]], turns, [[1.0, 0.5, 0.3]] * 2, [6, 1]),
        )
        for r in (4.0 - 1e-4, 4.0 + 1e-4)
    )
    assert 0 < inside.forces.abs().max() < 1e-4
    assert not outside.forces.any()


def test_single_precision(linear: ManyBodyPotential, frames: dict[str, EllipsoidData]) -> None:
    exact = linear.design(frames["periodic"])
    single = frames["periodic"].clone().apply(lambda x: x.float() if x.is_floating_point() else x)
    for x, expected in zip(linear.float().design(single), exact, strict=True):
        assert x.dtype == torch.float32
        assert (x - expected).abs().max() < 1e-3 * expected.abs().max()


def test_hyperparameters_make_the_same_potential(
    perceptron: ManyBodyPotential, frames: dict[str, EllipsoidData]
) -> None:
    other = ManyBodyPotential(**perceptron.hyperparameters)
    other.load_state_dict(perceptron.state_dict())
    assert torch.equal(other(frames["slab"]), perceptron(frames["slab"]))
    with pytest.raises(ValueError, match=r"hidden=\[5, 4\] \(here \[\]\)"):
        ManyBodyPotential([6, 1], 4.0, 3, None).load_state_dict(
            perceptron.state_dict(), strict=False
        )


def test_what_makes_no_sense(
    linear: ManyBodyPotential, perceptron: ManyBodyPotential, frames: dict[str, EllipsoidData]
) -> None:
    with pytest.raises(ValueError, match=r"hidden.*expected an integer ≥ 1"):
        ManyBodyPotential([6, 1], 4.0, 3, hidden=(4, 0))
    with pytest.raises(ValueError, match=r"cutoff is -1\.0"):
        ManyBodyPotential([6, 1], -1.0, 3, radial_gaussian_width=1.0)
    with pytest.raises(ValueError, match=r"density_width is 0\.0"):
        ManyBodyPotential([6, 1], 4.0, 3, density_width=0.0)
    with pytest.raises(TypeError, match="not linear"):
        perceptron.design(frames["open"])
    with pytest.raises(ValueError, match="one or more frames"):
        linear.standardize([])
    data = frames["open"].clone()
    data.types[2] = 8
    with pytest.raises(ValueError, match=r"unknown particle types \[8\].*\[6, 1\]"):
        linear(data)
    with pytest.raises(ValueError, match=r"searched up to 2\.0"):
        linear(frames["open"].with_edges(2.0))
