"""Scales, shifts and neighbour counts that networks take from training data."""

import pytest
import torch
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.gay_berne import gay_berne_pairs
from anisoap_e3nn.networks import NequIPStylePotential, Standardization
from small_networks import CUTOFF, FRAMES, SMALL, labelled, nequip


def test_standardisation(frames: dict[str, EllipsoidData], generator: torch.Generator) -> None:
    """Scalars have mean 0, irreps size 1, and energies of types are recovered."""
    some = [labelled(frames[name], generator) for name in FRAMES]
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
    assert potential.density_energy is not None
    of_own, of_neighbors = potential.encoding, potential.density_energy.encoding
    own, neighbors = potential.embedding.density_channels.split(potential.embedding(batch))
    o, c = of_neighbors.own_scales(own), of_neighbors.neighbor_scales(neighbors)
    torch.testing.assert_close(of_own.coefficient_scales(own), o)
    spectra = [
        (of_own.spectrum_scales, of_own.spectrum(o)),
        (of_neighbors.mixed_spectrum_scales, of_neighbors.mixed_spectrum(o, c)),
        (of_neighbors.neighbor_spectrum_scales, of_neighbors.neighbor_spectrum(c)),
    ]
    standardised = [(o, of_neighbors.own_scales.irreps), (c, of_neighbors.neighbor_scales.irreps)]
    standardised += [(scales(p), scales.irreps) for scales, p in spectra]
    for x, irreps in standardised:
        assert x[:, : irreps.count("0e")].mean(0).abs().max() < 1e-12
        for where in irreps.slices():
            torch.testing.assert_close(x[:, where].square().mean(), torch.tensor(1.0))


def test_features_of_nearly_no_variance_stay_small(generator: torch.Generator) -> None:
    """Noise of a millionth about a constant is not blown up, and a tenth of variation is."""
    x = 3 + torch.randn(500, 4, generator=generator) * torch.tensor([1e-6, 1e-6, 0.3, 0.3])
    scales = Standardization("2x0e+2x0e")
    scales.fit(x)
    small, large = scales(x).split(2, dim=1)
    assert small.abs().max() < 1e-3
    torch.testing.assert_close(large.square().mean(), torch.tensor(1.0))


def test_types_that_the_data_lack_have_unit_scale(
    frames: dict[str, EllipsoidData], generator: torch.Generator
) -> None:
    potential = NequIPStylePotential([6, 8, 1], CUTOFF, "2x0e", n_layers=1, **SMALL)
    potential.standardize([labelled(frames[name], generator) for name in FRAMES])
    assert potential.energy_scales[1] == 1
    assert abs(potential.energy_shifts[1]) < 1e-12
    assert potential.energy_scales.isfinite().all()


def test_without_forces_the_scale_is_that_of_energies_per_particle(
    frames: dict[str, EllipsoidData],
) -> None:
    """One type, in frames of 6, 5, 8 and 8 particles: the residuals are known."""
    some = [frames[name].clone() for name in ("periodic", "slab", "open", "open")]
    for data, residual in zip(some, (0.0, 0.0, 24.0, -24.0), strict=True):
        data.types = torch.full_like(data.types, 6)
        data.energy = torch.tensor([2.0 * len(data.types) + residual])
    potential = nequip()
    potential.standardize(some)
    torch.testing.assert_close(potential.energy_shifts, torch.tensor([2.0, 0.0]))
    scale = (2 * (24.0 / 8) ** 2 / 4) ** 0.5  # of residuals per particle
    torch.testing.assert_close(potential.energy_scales, torch.tensor([scale, scale]))


def test_only_scalars_are_shifted(generator: torch.Generator) -> None:
    """A shifted pseudoscalar would not change its sign under inversion."""
    x = torch.randn(50, 10, generator=generator) + 3.0
    standardization = Standardization("2x0e + 2x0o + 1x1o + 1x1e")
    standardization.fit(x)
    torch.testing.assert_close(standardization.means[:2], x[:, :2].mean(0))
    assert not standardization.means[2:].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rounding_is_not_scaled_up(generator: torch.Generator, dtype: torch.dtype) -> None:
    """Such as coefficients of odd l in a lattice with inversion symmetry."""
    x = torch.randn(50, 5, generator=generator) + 3.0
    x[:, 2:] *= 2 * torch.finfo(dtype).eps
    standardization = Standardization("2x0e + 1x1o").to(dtype)
    standardization.fit(x.to(dtype))
    assert (standardization.scales[2:] == 1).all()
    assert (standardization.scales[:2] != 1).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rounding_of_constants_is_not_scaled_up(
    generator: torch.Generator, dtype: torch.dtype
) -> None:
    """Such as the own density of particles that are all alike, and products of it."""
    eps = torch.finfo(dtype).eps
    x = torch.randn(50, 4, generator=generator)
    x[:, :2] = torch.tensor([3.0, -2.0]) * (1 + 2 * eps * x[:, :2])
    x[:, 2:] = 3.0 + 0.001 * x[:, 2:]  # little, but no rounding
    constant, varying = Standardization("2x0e + 2x0e").to(dtype), x.to(dtype)
    constant.fit(varying)
    scaled = constant(varying)
    assert scaled[:, :2].abs().max() < 20 * eps
    assert 0.05 < scaled[:, 2:].abs().max() < 1
    products = torch.stack([1 + scaled[:, 0], 1 + scaled[:, 0] * scaled[:, 1]], dim=1)
    again = Standardization("2x0e").to(dtype)
    again.fit(products, standardized=True)
    assert again(products).abs().max() < 20 * eps


def test_energies_of_particles_that_are_all_alike_are_smooth(generator: torch.Generator) -> None:
    """In single precision too, turning quaternions' signs and sizes changes energies by rounding alone."""
    pairs = gay_berne_pairs(sizes=(12, 0, 0)).train
    network = NequIPStylePotential([0], 4.0, "4x0e + 4x1o + 4x2e", n_layers=1, max_angular=4)
    singles = [x.apply(lambda x: x.float() if x.is_floating_point() else x) for x in pairs]
    network.float().standardize(singles)
    batch = Batch.from_data_list(singles)
    energies = []
    for _ in range(5):
        other = batch.clone()
        factors = 0.3 + torch.rand(len(batch.pos), 1, generator=generator)
        other.orientations = batch.orientations * factors.float()
        energies.append(network(other))
    spread = torch.stack(energies).std(0).max() / network.energy_scales.max()
    assert spread < 3e-5


def test_frames_without_targets_are_refused(frames: dict[str, EllipsoidData]) -> None:
    with pytest.raises(ValueError, match="expected one or more of energy"):
        nequip().standardize([frames["open"]])
    with pytest.raises(ValueError, match="found none"):
        nequip().standardize([])


def test_a_batch_is_its_frames_where_all_particles_look_alike() -> None:
    """Their own density is a constant without anisotropy (l ≤ 1): its products are nothing but rounding."""
    pairs = gay_berne_pairs(sizes=(6, 0, 0)).train
    network = NequIPStylePotential([0], 4.0, "2x0e + 2x1o", n_layers=1, max_angular=1).double()
    network.standardize(pairs)
    together = network(Batch.from_data_list(pairs))
    torch.testing.assert_close(together, torch.cat([network(pair) for pair in pairs]))
