"""Networks of messages: their symmetries, before and after training, and what they refuse."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.graph import InteractionGraph
from anisoap_e3nn.networks import MACEStylePotential, NequIPStylePotential
from anisoap_e3nn.networks.message_passing import MessagePassingPotential
from anisoap_e3nn.networks.standardization import Standardization
from anisoap_e3nn.potentials import StackedPotential, mechanics
from anisoap_e3nn.testing import (
    check_batches,
    check_checkpoint,
    check_derivatives,
    check_equivariance,
    check_gradients,
    check_precision,
    check_smoothness,
)

CUTOFF = 4.0
KINDS = ["periodic", "open", "slab"]
SMALL = {"max_angular": 3, "max_radial": 1, "n_radial": 4, "radial_layers": [8]}


def nequip(**options: object) -> NequIPStylePotential:
    irreps = "6x0e + 2x0o + 3x1o + 2x1e + 3x2e"  # pseudoscalars and pseudovectors too
    return NequIPStylePotential([6, 1], CUTOFF, irreps, **(SMALL | options))


def mace(**options: object) -> MACEStylePotential:
    return MACEStylePotential([6, 1], CUTOFF, 3, 1, 2, **(SMALL | options))


def labelled(data: EllipsoidData, generator: torch.Generator) -> EllipsoidData:
    data.energy = torch.randn(1, generator=generator)
    data.forces, data.torques = torch.randn(2, len(data.pos), 3, generator=generator).unbind()
    return data


@pytest.fixture(params=["fresh", "trained"])
def stage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[nequip, mace])
def potential(
    request: pytest.FixtureRequest,
    stage: str,
    frames: dict[str, EllipsoidData],
    generator: torch.Generator,
) -> MessagePassingPotential:
    """Standardised, and maybe after some steps of training on energies, forces and torques."""
    torch.manual_seed(1)
    potential: MessagePassingPotential = request.param()
    some = [labelled(frames[name].clone(), generator) for name in KINDS]
    potential.standardize(some)
    if stage == "trained":
        optimizer = torch.optim.Adam(potential.parameters(), lr=1e-3)
        batch = Batch.from_data_list(some)
        for _ in range(2):
            result = mechanics(potential, batch, create_graph=True)
            errors = [(getattr(result, k) - batch[k]).square().mean() for k in ("energy", "forces")]
            loss = sum(errors) + (result.torques - batch.torques).square().mean()
            optimizer.zero_grad()
            loss.backward()
            assert all(p.grad.isfinite().all() for p in potential.parameters())
            optimizer.step()
    return potential


@pytest.mark.parametrize("kind", KINDS)
def test_symmetries_and_derivatives(
    potential: MessagePassingPotential, frames: dict[str, EllipsoidData], kind: str
) -> None:
    assert all(x.abs().max() > 1e-3 for x in mechanics(potential, frames[kind])[:4])
    check_equivariance(potential, frames[kind])
    check_derivatives(potential, frames[kind], directions=3)


def test_batches_and_the_cutoff(
    potential: MessagePassingPotential, frames: dict[str, EllipsoidData]
) -> None:
    check_batches(potential, list(frames.values()))
    check_smoothness(potential, frames["open"])


def test_other_names_of_the_axes(
    potential: MessagePassingPotential, frames: dict[str, EllipsoidData]
) -> None:
    data = frames["periodic"]
    renamed, cycle = data.clone(), torch.tensor([1, 2, 0])
    renamed.orientations = rotation_matrices(data.orientations)[:, :, cycle]
    renamed.semiaxes = data.semiaxes[:, cycle]
    for a, b in zip(mechanics(potential, renamed), mechanics(potential, data), strict=True):
        assert (a - b).abs().max() <= 1e-10 * b.abs().max()


@pytest.mark.parametrize("stage", ["fresh"], indirect=True)
class TestFresh:
    def test_particles_alone_and_none_at_all(
        self, potential: MessagePassingPotential, frames: dict[str, EllipsoidData]
    ) -> None:
        alone, empty = (mechanics(potential, frames[k]) for k in ("one_open", "empty"))
        assert alone.energy.isfinite()
        assert not alone.forces.any()
        assert alone.torques.abs().max() < 1e-12
        assert empty.energy == 0
        assert empty.forces.shape == (0, 3)

    @pytest.mark.parametrize(
        "semiaxes", [[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.8, 0.8, 0.8]]
    )
    def test_points_disks_needles_and_spheres(
        self, potential: MessagePassingPotential, semiaxes: list[float]
    ) -> None:
        data = EllipsoidData(  # disks in one plane, and needles in line
            pos=[[0, 0, 0], [0, 0, 2.0], [0, 2.0, 0], [2.0, 0, 0]],
            orientations=[[1.0, 0, 0, 0]] * 4,
            semiaxes=[semiaxes] * 4,
            types=[6, 1, 6, 1],
        )
        result = mechanics(potential, data, create_graph=True)
        loss = sum(x.square().sum() for x in result)
        loss.backward()
        assert loss.isfinite()
        assert all(p.grad.isfinite().all() for p in potential.parameters())
        if semiaxes[0] == semiaxes[2]:
            assert result.torques.abs().max() < 1e-12

    def test_given_edges_are_used(
        self, potential: MessagePassingPotential, frames: dict[str, EllipsoidData]
    ) -> None:
        data = frames["slab"]
        expected = potential(data)
        longer = InteractionGraph(data, 5.0).edges(CUTOFF)
        for same in (
            potential(data, longer),
            potential(data.with_edges(CUTOFF)),
            potential(data.with_edges(5.5)),
            StackedPotential([potential])(data),
        ):
            torch.testing.assert_close(same, expected, rtol=1e-12, atol=1e-12)

    def test_checkpoints_precision_and_training(
        self, potential: MessagePassingPotential, frames: dict[str, EllipsoidData], tmp_path: Path
    ) -> None:
        check_checkpoint(potential, frames["slab"], tmp_path)
        check_precision(potential, frames["slab"])
        check_gradients(potential, frames["slab"])

    def test_bad_data_are_refused(
        self, potential: MessagePassingPotential, frames: dict[str, EllipsoidData]
    ) -> None:
        data = frames["slab"]
        unknown, together, single = data.clone(), data.clone(), data.clone()
        unknown.types[2] = 8
        with pytest.raises(ValueError, match=r"unknown particle types \[8\].*types=\[6, 1\]"):
            potential(unknown)
        together.pos[1] = together.pos[0]
        with pytest.raises(ValueError, match="in the same place"):
            potential(together)
        single = single.apply(lambda x: x.float() if x.is_floating_point() else x)
        with pytest.raises(TypeError, match="float32"):
            potential(single)
        with pytest.raises(ValueError, match=r"searched up to 3\.0"):
            potential(data.with_edges(3.0))


def test_standardisation(frames: dict[str, EllipsoidData], generator: torch.Generator) -> None:
    """Scalars have mean 0, irreps size 1, and energies of types are recovered."""
    some = [labelled(frames[name], generator) for name in KINDS]
    for data in some:
        data.energy = torch.where(data.types == 6, 2.0, -3.0).sum(0, keepdim=True)
    potential = nequip()
    potential.standardize(some, batch_size=2)
    torch.testing.assert_close(potential.energy_shifts, torch.tensor([2.0, -3.0]))
    for scale, kind in zip(potential.energy_scales, (6, 1), strict=True):
        forces = torch.cat([data.forces[data.types == kind] for data in some])
        torch.testing.assert_close(scale, forces.square().mean().sqrt())
    batch = Batch.from_data_list(some).with_edges(CUTOFF)
    torch.testing.assert_close(
        float(potential.n_neighbors), batch.num_edges / batch.num_nodes, check_dtype=False
    )
    batch.semiaxes = batch.semiaxes * potential.density_width
    encoding, coefficients = potential.encoding, potential.embedding(batch)
    c = encoding.coefficient_scales(coefficients)
    p = encoding.spectrum_scales(encoding.spectrum(c))
    for x, irreps in ((c, potential.embedding.irreps_out), (p, encoding.spectrum.irreps_out)):
        assert x[:, : irreps.count("0e")].mean(0).abs().max() < 1e-12
        for some in irreps.slices():
            torch.testing.assert_close(x[:, some].square().mean(), torch.tensor(1.0))


def test_types_that_the_data_lack_have_unit_scale(
    frames: dict[str, EllipsoidData], generator: torch.Generator
) -> None:
    potential = NequIPStylePotential([6, 8, 1], CUTOFF, "2x0e", n_layers=1, **SMALL)
    potential.standardize([labelled(frames[name], generator) for name in KINDS])
    assert potential.energy_scales[1] == 1
    assert abs(potential.energy_shifts[1]) < 1e-12
    assert potential.energy_scales.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rounding_is_not_scaled_up(generator: torch.Generator, dtype: torch.dtype) -> None:
    """Such as coefficients of odd l in a lattice with inversion symmetry."""
    x = torch.randn(50, 5, generator=generator) + 3.0
    x[:, 2:] *= 2 * torch.finfo(dtype).eps
    standardization = Standardization("2x0e + 1x1o").to(dtype)
    standardization.fit(x.to(dtype))
    assert (standardization.scales[2:] == 1).all()
    assert (standardization.scales[:2] != 1).all()


@pytest.mark.parametrize(
    ("build", "options", "message"),
    [
        (nequip, {"n_layers": 0}, "n_layers=0"),
        (mace, {"correlation": 4}, "correlation=4"),
        (mace, {"radial_gaussian_width": -1.0}, "radial_gaussian_width"),
        (nequip, {"density_width": 0.0}, "density_width is 0"),
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


def test_frames_without_energies_are_refused(frames: dict[str, EllipsoidData]) -> None:
    with pytest.raises(ValueError, match="every frame needs an energy"):
        nequip().standardize([frames["open"]])
    with pytest.raises(ValueError, match="found none"):
        nequip().standardize([])
