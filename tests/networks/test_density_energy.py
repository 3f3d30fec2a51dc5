"""The energy of a particle in the density of its neighbours."""

import pytest
import torch
from e3nn import o3
from torch import Tensor

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.networks import DensityEnergy
from small_networks import CUTOFF, FRAMES, labelled, mace, nequip

OWN, NEIGHBORS, N = o3.Irreps("2x0e+1x2e"), o3.Irreps("4x0e+3x1o+2x2e"), 12


@pytest.fixture
def densities(float64_by_default: None) -> tuple[DensityEnergy, Tensor, Tensor, Tensor]:
    """A fitted module, coefficients of the two densities, and types."""
    torch.manual_seed(0)
    module = DensityEnergy(OWN, NEIGHBORS, n_hidden=5, n_types=2, n_layers=2)
    own, neighbors = OWN.randn(N, -1) + 3, NEIGHBORS.randn(N, -1) * 0.1
    module.fit(own, neighbors)
    return module, own, neighbors, torch.arange(N) % 2


def test_it_sees_how_a_particle_is_turned_among_its_neighbours(
    densities: tuple[DensityEnergy, Tensor, Tensor, Tensor],
) -> None:
    """Turned together nothing changes; turned alone, the particle has another energy."""
    module, own, neighbors, types = densities
    rotation = o3.rand_matrix()
    own_turned = own @ OWN.D_from_matrix(rotation).T
    neighbors_turned = neighbors @ NEIGHBORS.D_from_matrix(rotation).T
    energies = module(own, neighbors, types)
    assert energies.shape == (N,)
    size = energies.abs().max()
    together = module(own_turned, neighbors_turned, types)
    assert (together - energies).abs().max() < 1e-12 * size
    assert (module(own_turned, neighbors, types) - energies).abs().max() > 1e-3 * size


def test_it_starts_small_and_vanishes_without_gain(
    densities: tuple[DensityEnergy, Tensor, Tensor, Tensor],
) -> None:
    module, own, neighbors, types = densities
    assert module(own, neighbors, types).abs().max() < 0.1
    torch.nn.init.zeros_(module.encoding.gain)
    energies = module(own, neighbors, types)
    assert not energies.any()
    (slope,) = torch.autograd.grad(energies.sum(), [module.encoding.gain])
    assert slope != 0  # so that it is learned


def test_types_have_weights_of_their_own(
    densities: tuple[DensityEnergy, Tensor, Tensor, Tensor],
) -> None:
    module, own, neighbors, types = densities
    exchanged = module(own, neighbors, 1 - types)
    assert (exchanged - module(own, neighbors, types)).abs().min() > 0


def test_nequip_style_with_plain_edges_has_a_second_hidden_layer() -> None:
    for network, oriented, n_layers in ((nequip, True, 1), (nequip, False, 2), (mace, False, 1)):
        density = network(edge_orientations=oriented).density_energy
        assert density is not None
        n = density.encoding.irreps_out.dim
        shapes = [weights.shape for weights in density.readout.parameters()]
        assert shapes == [(n, n)] * n_layers + [(n, 1)]


def test_networks_add_it_in_their_unit_of_energy(
    frames: dict[str, EllipsoidData], generator: torch.Generator
) -> None:
    potential, data = nequip(), labelled(frames["periodic"], generator).with_edges(CUTOFF)
    potential.standardize([labelled(frames[name], generator) for name in FRAMES])
    density = potential.density_energy
    assert density is not None
    densities = potential.embedding.density_channels.split(potential.embedding(data))
    types = potential.embedding.type_index(data.types)
    added = potential.energy_scales[types] * density(*densities, types)
    whole = potential(data)
    torch.nn.init.zeros_(density.encoding.gain)
    assert added.abs().max() > 1e-6
    torch.testing.assert_close(whole - potential(data), added, rtol=1e-9, atol=1e-12)
