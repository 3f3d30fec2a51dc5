"""A periodic Gay-Berne fluid keeps its energy, and an open cluster its momenta: `benchmarks.nve` in short."""

from collections.abc import Iterator

import pytest
import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.fitting import fit_linear
from anisoap_e3nn.gay_berne import gay_berne_fluids, gay_berne_pairs, triaxial_gay_berne
from anisoap_e3nn.networks import MACEStylePotential, NequIPStylePotential
from anisoap_e3nn.networks.message_passing import MessagePassingPotential
from anisoap_e3nn.potentials import PairPotential, StackedPotential
from anisoap_e3nn.simulation import ForceField
from benchmarks.nve import Trajectory, drift, exponent, follow, start

SKIN = 0.4


@pytest.fixture(scope="module", autouse=True)
def _double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="module")
def fluid(_double_precision: None) -> EllipsoidData:
    """Fewer and sparser particles than in the benchmark, which takes less time to make."""
    return gay_berne_fluids(n_particles=64, density=0.12, n_sweeps=20)[0]


@pytest.fixture(scope="module")
def exact() -> torch.nn.Module:
    return triaxial_gay_berne(cutoff=3.0, smoothing_width=0.5)


@pytest.fixture(scope="module")
def trajectories(fluid: EllipsoidData, exact: torch.nn.Module) -> tuple[Trajectory, Trajectory]:
    return tuple(
        follow(ForceField(exact, SKIN), start(fluid), step, round(0.8 / step))
        for step in (0.004, 0.002)
    )


def test_energy_fluctuates_by_the_square_of_the_step(
    trajectories: tuple[Trajectory, Trajectory],
) -> None:
    coarse, fine = trajectories
    assert coarse.kinetic.std() > 100 * coarse.total.std()  # kinds of energy are exchanged
    assert exponent(coarse, fine) == pytest.approx(2, abs=0.2)


def test_energy_does_not_drift(trajectories: tuple[Trajectory, Trajectory]) -> None:
    for run in trajectories:
        kinetic = float(run.kinetic.mean()) / 64
        slope, error = (x / kinetic for x in drift(run.corrected))
        assert abs(slope) < 4 * error + 1e-4  # a fraction, per 1000 steps
        # what the correction leaves is of higher order, or the drift would not be seen so soon
        assert run.corrected.std() < run.total.std() / 20


def test_neighbours_are_searched_for_seldom(fluid: EllipsoidData, exact: torch.nn.Module) -> None:
    with_skin, without = ForceField(exact, SKIN), ForceField(exact, 0.0)
    one, other = (follow(x, start(fluid), 0.002, 60) for x in (with_skin, without))
    torch.testing.assert_close(one.total, other.total, rtol=1e-12, atol=1e-10)
    assert with_skin.n_searches < 6 < without.n_searches == 61


def test_an_open_cluster_keeps_its_momenta(fluid: EllipsoidData, exact: torch.nn.Module) -> None:
    cluster = fluid.clone()
    cluster.pbc = torch.zeros_like(cluster.pbc)
    run = follow(ForceField(exact, SKIN), start(cluster), 0.002, 200)
    assert run.momentum_error < 1e-12
    assert run.angular_momentum_error < 1e-11


def test_a_fitted_model_keeps_its_energy(fluid: EllipsoidData) -> None:
    train, _, _ = gay_berne_pairs(sizes=(300, 0, 0))
    pair = PairPotential([0], cutoff=3.0, n_radial=6, max_degree=2, decay_length=1.0)
    stack = StackedPotential([pair]).double()
    fit_linear(stack, train)
    coarse, fine = (
        follow(ForceField(stack, SKIN), start(fluid), step, round(0.4 / step))
        for step in (0.004, 0.002)
    )
    assert exponent(coarse, fine) == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize("network", [NequIPStylePotential, MACEStylePotential])
def test_networks_keep_energy_and_momenta(
    fluid: EllipsoidData, network: type[MessagePassingPotential]
) -> None:
    torch.manual_seed(2)
    potential = network([0], 3.0, n_layers=1, max_angular=3, n_radial=4, radial_layers=[16])
    potential.standardize([fluid])
    potential.energy_scales.fill_(1.0)  # untrained, it has no walls: gentle, it needs none
    cluster = fluid.clone()
    cluster.pbc = torch.zeros_like(cluster.pbc)
    coarse, fine = (
        follow(ForceField(potential, SKIN), start(cluster), step, round(0.16 / step))
        for step in (0.004, 0.002)
    )
    assert coarse.kinetic.std() > 100 * coarse.total.std()
    assert exponent(coarse, fine) == pytest.approx(2, abs=0.3)
    assert fine.momentum_error < 1e-11
    assert fine.angular_momentum_error < 1e-10


def test_drifts_are_found() -> None:
    steps = torch.arange(4000)
    noise = torch.randn(4000, generator=torch.Generator().manual_seed(1))
    slope, error = drift(3.0 + 2e-3 * steps + noise)
    assert slope == pytest.approx(2.0, abs=4 * error)
    assert 0.005 < error < 0.04  # white noise: √12 / √4000 / 4 = 0.0137
