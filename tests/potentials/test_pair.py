"""The pair potential: derivatives by hand against autograd and finite differences, and its symmetries."""

from collections.abc import Callable

import pytest
import torch
from e3nn import o3
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.geometry import matrices_to_quaternions, rotation_matrices
from anisoap_e3nn.potentials import PairPotential, mechanics
from turned_frame import proper, turned

NAMES = ["periodic", "open", "slab", "one_periodic", "one_open", "empty"]


@pytest.fixture
def pair(generator: torch.Generator) -> PairPotential:
    """Two types, and weights that make functions of low order count most, as those of real pairs do."""
    potential = PairPotential([6, 1], 4.5, n_radial=5, max_degree=4, decay_length=1.5)
    with torch.no_grad():
        potential.weights.normal_(generator=generator).mul_(0.01)
    return potential


def by_autograd(pair: PairPotential) -> Callable[[EllipsoidData], Tensor]:
    return lambda data: pair(data)


def assert_close(a: Tensor, b: Tensor, tolerance: float = 1e-10) -> None:
    a, b = a.detach(), b.detach()
    scale = float(b.abs().max()) if b.numel() else 0.0
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance * scale + 1e-14)


@pytest.mark.parametrize("spelling", ["quaternions", "matrices"])
@pytest.mark.parametrize("name", NAMES)
def test_derivatives_are_those_of_autograd(
    pair: PairPotential, spaced: dict[str, EllipsoidData], name: str, spelling: str
) -> None:
    data = spaced[name]
    if spelling == "matrices":
        data.orientations = rotation_matrices(data.orientations)
    expected = mechanics(by_autograd(pair), data)
    _, forces, torques, virial, _, energies = pair.derivatives(data)
    assert_close(energies, expected.energies)
    assert_close(forces, expected.forces)
    assert_close(torques, expected.torques)
    assert_close(virial, expected.virial)
    if name in ("periodic", "open"):
        assert torques.abs().max() > 1e-3


def test_batches_are_as_their_frames(pair: PairPotential, spaced: dict[str, EllipsoidData]) -> None:
    some = [spaced[name] for name in NAMES]
    together = pair.derivatives(Batch.from_data_list(some))
    apart = [pair.derivatives(data) for data in some]
    for result, parts in zip(together, zip(*apart, strict=True), strict=True):
        assert_close(result, torch.cat(parts), 1e-13)


@pytest.mark.parametrize("name", ["periodic", "slab"])
def test_derivatives_are_finite_differences(
    pair: PairPotential, spaced: dict[str, EllipsoidData], name: str
) -> None:
    data, step = spaced[name], 1e-5
    _, forces, torques, virial, *_ = (x.detach() for x in pair.derivatives(data))

    def energy(pos: Tensor, orientations: Tensor, cell: Tensor) -> float:
        moved = data.clone()
        moved.pos, moved.orientations, moved.cell = pos, orientations, cell
        return float(pair(moved).detach().sum())

    def slope(change: Callable[[float], tuple[Tensor, Tensor, Tensor]]) -> float:
        return (energy(*change(step)) - energy(*change(-step))) / (2 * step)

    for i, k in ((0, 0), (1, 2), (4, 1)):
        unit = torch.zeros(3)
        unit[k] = 1.0

        def moved(h: float, i: int = i, unit: Tensor = unit) -> tuple[Tensor, Tensor, Tensor]:
            pos = data.pos.clone()
            pos[i] += h * unit
            return pos, data.orientations, data.cell

        def turned(h: float, i: int = i, unit: Tensor = unit) -> tuple[Tensor, Tensor, Tensor]:
            turn = torch.from_numpy(Rotation.from_rotvec((h * unit).numpy()).as_matrix())
            R = rotation_matrices(data.orientations).clone()
            R[i] = turn @ R[i]
            return data.pos, matrices_to_quaternions(R), data.cell

        def strained(h: float, unit: Tensor = unit) -> tuple[Tensor, Tensor, Tensor]:
            strain = torch.eye(3) + 0.5 * h * (unit[:, None] + unit)
            return data.pos @ strain.T, data.orientations, data.cell @ strain.T

        assert -slope(moved) == pytest.approx(float(forces[i, k]), rel=1e-6, abs=1e-7)
        assert -slope(turned) == pytest.approx(float(torques[i, k]), rel=1e-6, abs=1e-7)
        direction = 0.5 * (unit[:, None] + unit)
        expected = float((virial[0] * (direction + direction.T) / 2).sum())
        assert -slope(strained) == pytest.approx(expected, rel=1e-6, abs=1e-7)


def test_second_derivatives_of_the_contraction_are_those_of_autograd(
    pair: PairPotential, spaced: dict[str, EllipsoidData]
) -> None:
    """So that weights can be trained on forces and torques."""
    data = spaced["periodic"]

    def gradient(forces: Tensor, torques: Tensor) -> Tensor:
        loss = forces.square().sum() + torques.square().sum()
        return torch.autograd.grad(loss, pair.weights)[0]

    _, forces, torques, *_ = pair.derivatives(data)
    exact = mechanics(by_autograd(pair), data, create_graph=True)
    assert_close(gradient(forces, torques), gradient(exact.forces, exact.torques))


def test_design_contracted_with_the_weights(
    pair: PairPotential, spaced: dict[str, EllipsoidData]
) -> None:
    batch = Batch.from_data_list([spaced["periodic"], spaced["open"], spaced["one_periodic"]])
    _, forces, torques, _, _, energies = pair.derivatives(batch)
    design = pair.design(batch)
    totals = energies.new_zeros(3).index_add(0, batch.batch, energies)
    assert_close(design.energy @ pair.weights, totals, 1e-12)
    assert_close(design.forces @ pair.weights, forces, 1e-12)
    assert_close(design.torques @ pair.weights, torques, 1e-12)


def test_the_order_of_particles_does_not_matter(
    pair: PairPotential, spaced: dict[str, EllipsoidData], generator: torch.Generator
) -> None:
    """Two particles of one type, and of two."""
    data = spaced["open"]
    order = torch.randperm(len(data.types), generator=generator)
    permuted = EllipsoidData(
        data.pos[order], data.orientations[order], data.semiaxes[order], data.types[order]
    )
    after, before = pair.derivatives(permuted), pair.derivatives(data)
    for name in ("energies", "forces", "torques"):
        assert_close(getattr(after, name), getattr(before, name)[order], 1e-12)
    assert len(data.types.unique()) == 2


@pytest.mark.parametrize("reflected", [False, True])
def test_equivariance(
    pair: PairPotential, spaced: dict[str, EllipsoidData], reflected: bool
) -> None:
    data = spaced["open"]
    R = o3.rand_matrix() * (-1 if reflected else 1)
    _, forces, torques, virial, _, energies = pair.derivatives(data)
    result = pair.derivatives(turned(data, R))
    assert_close(result.energies, energies)
    assert_close(result.forces, forces @ R.T)
    assert_close(result.torques, torques @ proper(R).T)
    assert_close(result.virial, R @ virial @ R.T)


def test_two_derivatives_vanish_at_the_cutoff(pair: PairPotential) -> None:
    def energy(r: Tensor) -> Tensor:
        pos = torch.stack([torch.zeros(3), torch.stack([r, 0 * r, 0 * r])])
        axes = torch.tensor([[1.0, 0.5, 0.3], [0.4, 0.2, 0.9]])
        turns = torch.tensor([[1.0, 0.3, 0.2, 0.1], [0.2, 0.5, -0.4, 0.8]])
        data = EllipsoidData(pos.detach(), turns, axes, [6, 1])
        data.pos = pos
        return pair(data).sum()

    for gap in (1e-2, 1e-3):  # as the fourth power of the gap
        r = torch.tensor(4.5 - gap, requires_grad=True)
        value = energy(r)
        (slope,) = torch.autograd.grad(value, r, create_graph=True)
        (curvature,) = torch.autograd.grad(slope, r)
        assert 0 < abs(value) < 100 * gap**4
        assert 0 < abs(slope) < 400 * gap**3
        assert 0 < abs(curvature) < 1200 * gap**2
    assert energy(torch.tensor(4.5)) == 0


def test_points_needles_and_disks(pair: PairPotential, spaced: dict[str, EllipsoidData]) -> None:
    data = spaced["open"]
    data.semiaxes[0] = 0
    data.semiaxes[1, 1:] = 0
    data.semiaxes[2:4, 2] = 0
    data.orientations[3] = data.orientations[2]
    data.pos[3] = data.pos[2] + 0.8 * rotation_matrices(data.orientations)[2, :, 0]  # in one plane
    expected = mechanics(by_autograd(pair), data)
    _, forces, torques, *_ = pair.derivatives(data)
    assert forces.isfinite().all()
    assert_close(forces, expected.forces, 1e-8)
    assert_close(torques, expected.torques, 1e-8)


def test_single_precision(pair: PairPotential, spaced: dict[str, EllipsoidData]) -> None:
    data = spaced["periodic"]
    exact = pair.derivatives(data)
    single = EllipsoidData(
        *(x.float() for x in (data.pos, data.orientations, data.semiaxes)),
        data.types,
        data.cell.float(),
        data.pbc,
    )
    for x, expected in zip(pair.float().derivatives(single), exact, strict=True):
        assert x.dtype == torch.float32
        assert_close(x.double(), expected, 1e-4)


def test_no_function_depends_on_the_others_unit_of_length(pair: PairPotential) -> None:
    """A potential with lengths scaled is the potential in another unit."""
    scaled = PairPotential([6, 1], 9.0, n_radial=5, max_degree=4, decay_length=3.0)
    scaled.load_state_dict(pair.state_dict() | {"_extra_state": scaled.get_extra_state()})
    pos, axes = torch.tensor([[0, 0, 0], [1.0, 2, 1]]), torch.tensor([[1.0, 0.5, 0.2]] * 2)
    turns = torch.tensor([[1.0, 2, 3, 4], [4.0, 3, -2, 1]])
    one, other = (EllipsoidData(s * pos, turns, s * axes, [1, 6]) for s in (1, 2))
    torch.testing.assert_close(scaled(other), pair(one))


def test_data_that_make_no_sense(pair: PairPotential, spaced: dict[str, EllipsoidData]) -> None:
    def with_(**fields: Tensor) -> EllipsoidData:
        data = spaced["open"].clone()
        for name, value in fields.items():
            data[name][0] = value
        return data

    data = spaced["open"]
    with pytest.raises(ValueError, match=r"unknown particle types \[9\].*\[6, 1\]"):
        pair(with_(types=torch.tensor(9)))
    with pytest.raises(ValueError, match="same place"):
        pair(with_(pos=data.pos[1]))
    with pytest.raises(ValueError, match="finite"):
        pair(with_(pos=torch.full((3,), torch.nan)))
    with pytest.raises(ValueError, match="finite"):
        pair(with_(orientations=torch.full((4,), torch.nan)))
    with pytest.raises(ValueError, match="≥ 0"):
        pair(with_(semiaxes=-data.semiaxes[0]))
    with pytest.raises(ValueError, match=r"searched up to 2\.0"):
        pair(data.with_edges(2.0))
