"""Pairs and fluids: their labels, their reproducibility, and that Monte Carlo samples Boltzmann's law."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.loader import DataLoader

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.gay_berne import (
    GayBerne,
    gay_berne_fluids,
    gay_berne_pairs,
    triaxial_gay_berne,
)
from anisoap_e3nn.gay_berne import (
    fluids as gay_berne_fluid,
)
from anisoap_e3nn.gay_berne.monte_carlo import MonteCarlo, _one_of_each_cell
from anisoap_e3nn.geometry import quaternions_to_matrices
from anisoap_e3nn.potentials import mechanics

SMALL_FLUID: dict[str, Any] = {
    "n_particles": 27,
    "density": 0.25,
    "n_sweeps": 6,
    "potential": triaxial_gay_berne(cutoff=2.3, smoothing_width=0.4),
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:  # the tensors are small
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def assert_labels(potential: GayBerne, frames: list[EllipsoidData]) -> None:
    for data in frames:
        expected = mechanics(potential, data)
        for name in ("energy", "forces", "torques"):
            torch.testing.assert_close(data[name], getattr(expected, name), rtol=1e-10, atol=1e-10)
        assert data.energy.shape == (1,)


def assert_equal_frames(first: list[EllipsoidData], second: list[EllipsoidData]) -> None:
    for a, b in zip(first, second, strict=True):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[name], b[name]) for name in a.keys())  # noqa: SIM118


def test_pairs_are_as_many_and_as_spread_as_they_should_be() -> None:
    splits = gay_berne_pairs(dtype=torch.float64)
    assert [len(split) for split in splits] == [1570, 316, 388]
    frames = list(chain(*splits))
    vectors = torch.stack([data.pos[1] - data.pos[0] for data in frames])
    assert len(vectors.unique(dim=0)) == len(frames)
    axes = quaternions_to_matrices(torch.cat([data.orientations for data in frames]))
    for directions in (vectors / vectors.norm(dim=1, keepdim=True), *axes.unbind(2)):
        assert float(directions.mean(0).abs().max()) < 4 / (3 * len(directions)) ** 0.5
        second_moments = directions.T @ directions / len(directions)
        torch.testing.assert_close(second_moments * 3, torch.eye(3).double(), atol=0.1, rtol=0)
    energies = torch.cat([data.energy for data in frames])
    assert -1.8 < float(energies.min()) < -1.2
    assert 0.5 < float(energies.max()) < 1.8
    assert all(data.semiaxes.tolist() == [[0.5, 0.75, 1.0]] * 2 for data in frames)


def test_pairs_hold_what_the_potential_says() -> None:
    train, validation, test = gay_berne_pairs(sizes=(12, 0, 3), dtype=torch.float64)
    assert validation == []
    assert_labels(triaxial_gay_berne(cutoff=10.0), train + test)


def test_pairs_are_reproducible_and_batch() -> None:
    first, second = (gay_berne_pairs(sizes=(9, 1, 1), seed=5) for _ in range(2))
    assert_equal_frames(first.train, second.train)
    other = gay_berne_pairs(sizes=(9, 1, 1), seed=6).train
    assert not torch.equal(first.train[0].pos, other[0].pos)
    (batch,) = DataLoader(first.train, batch_size=9)
    assert batch.energy.shape == (9,)
    assert batch.forces.shape == batch.torques.shape == (18, 3)
    assert batch.forces.dtype == batch.energy.dtype == torch.float32


def test_pairs_of_no_distance_are_refused() -> None:
    with pytest.raises(ValueError, match="two numbers > 0 in ascending order"):
        gay_berne_pairs(reduced_distances=(1.2, 1.1))


def test_fluids() -> None:
    frames = gay_berne_fluids(3, seed=2, dtype=torch.float64, **SMALL_FLUID)
    assert_labels(SMALL_FLUID["potential"], frames)
    for data in frames:
        assert float(torch.linalg.det(data.cell[0])) == pytest.approx(27 / 0.25)
        assert data.pbc.all()
        assert bool(((data.pos >= 0) & (data.pos < data.cell[0, 0, 0])).all())
        assert data.energy.isfinite().all()
    assert not torch.equal(frames[0].pos, frames[1].pos)
    again = gay_berne_fluids(3, seed=2, dtype=torch.float64, **SMALL_FLUID)
    assert_equal_frames(frames, again)


def test_fluid_of_rods_on_its_lattice() -> None:
    rods = GayBerne([4], cutoff=3.5, well_depths=[1, 1, 0.2], mu=2)
    (data,) = gay_berne_fluids(
        n_particles=8, density=0.01, potential=rods, semiaxes=[0.5, 0.5, 1.5], n_sweeps=0
    )
    assert data.types.tolist() == [4] * 8
    assert data.pos.dtype == torch.float32
    side = float(data.cell[0, 0, 0])
    torch.testing.assert_close(
        data.pos.sort(0).values[::4], side * torch.tensor([[0.0] * 3, [0.5] * 3])
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_particles": 20}, "cube of side 4.31, expected at least twice the cutoff 2.3: take 25"),
        ({"n_frames": 0}, "n_frames is 0, expected an integer ≥ 1"),
        ({"density": 0.0}, "density is 0.0, expected a finite number > 0"),
        ({"temperature": -1.0}, "temperature is -1.0"),
        ({"semiaxes": [1.0, 0.0, 1.0]}, "semiaxes are \\[1.0, 0.0, 1.0\\], expected three"),
    ],
)
def test_faulty_fluids(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gay_berne_fluids(**(SMALL_FLUID | arguments))


def test_density_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gay_berne_fluid, "_LONGEST_COMPRESSION", 12)
    solid = SMALL_FLUID | {"density": 1.0, "n_particles": 98}
    with pytest.raises(RuntimeError, match=r"could be compressed to .* no further"):
        gay_berne_fluids(**solid)


def test_every_particle_once_and_never_two_of_a_cell(generator: torch.Generator) -> None:
    cells = torch.randint(7, (40,), generator=generator)
    rounds = _one_of_each_cell(cells, torch.rand(40, dtype=torch.float64, generator=generator))
    assert torch.cat(rounds).sort().values.tolist() == list(range(40))
    for moved in rounds:
        assert len(cells[moved].unique()) == len(moved)


def system(
    n_systems: int, n_particles: int, potential: GayBerne, generator: torch.Generator
) -> tuple[MonteCarlo, Tensor]:
    side, semiaxes = 2.1 * potential.cutoff, torch.tensor([0.5, 0.75, 1.0], dtype=torch.float64)
    positions = torch.zeros(n_systems, n_particles, 3, dtype=torch.float64)
    positions[:, 1:] = side / 2
    orientations = torch.randn(n_systems, n_particles, 4, dtype=torch.float64, generator=generator)
    orientations /= orientations.norm(dim=2, keepdim=True)
    return MonteCarlo(
        potential, positions, orientations, semiaxes, side, temperature=0.8, generator=generator
    ), semiaxes


@torch.no_grad()
def test_two_particles_obey_boltzmann(generator: torch.Generator) -> None:
    potential = GayBerne([0], 2.2, well_depths=[3, 1.5, 0.5], smoothing_width=0.3)
    pairs, semiaxes = system(600, 2, potential, generator)
    pairs.step = 0.4
    for _ in range(50):
        pairs.sweep()
    sampled = []
    for _ in range(50):
        acceptance = pairs.sweep()
        sampled.append(pairs.particle_energies().mean())
    assert 0.2 < acceptance < 0.9

    n = 400_000  # the same average as an integral over positions and orientations
    vectors = pairs.side * (torch.rand(n, 3, dtype=torch.float64, generator=generator) - 0.5)
    orientations = torch.randn(2 * n, 4, dtype=torch.float64, generator=generator)
    bodies = potential.bodies(torch.zeros(2 * n).long(), orientations, semiaxes.expand(2 * n, 3))
    halves = torch.arange(2 * n).chunk(2)
    energies = potential.pair_energies(vectors, *(bodies.select(half) for half in halves))
    weights = torch.exp(-energies / pairs.temperature)
    expected = (weights * energies.where(weights > 0, 0)).sum() / weights.sum()
    assert float(torch.stack(sampled).mean()) == pytest.approx(float(expected), abs=0.08)
    assert float(expected) < -0.5


@torch.no_grad()
def test_energies_of_monte_carlo_are_those_of_the_potential(generator: torch.Generator) -> None:
    potential = triaxial_gay_berne(cutoff=2.3)
    systems, semiaxes = system(3, 2, potential, generator)
    for _ in range(5):
        systems.sweep(adapt=True)
    for pos, orientations, energies in zip(
        systems.positions.split(2),
        systems.orientations.split(2),
        systems.particle_energies(),
        strict=True,
    ):
        data = EllipsoidData(
            pos, orientations, semiaxes.repeat(2, 1), [0, 0],
            cell=systems.side * torch.eye(3).double(), pbc=True,
        )  # fmt: skip
        torch.testing.assert_close(0.5 * energies, potential(data))
