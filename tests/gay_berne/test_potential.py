"""The potential against LAMMPS, ASE and the formula of 1981; its derivatives and smoothing."""

import importlib
import math
from typing import Any

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.calculators.lj import LennardJones
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.gay_berne import GayBerne
from anisoap_e3nn.geometry import quaternions_to_matrices
from anisoap_e3nn.potentials import mechanics
from anisoap_e3nn.potentials.compilation import export_energy, graph_tensors
from anisoap_e3nn.testing import check_compilation, check_derivatives, check_equivariance
from benchmarks.baselines import lammps_gay_berne as by_lammps
from common import needs_compiler

Arrays = dict[str, np.ndarray[Any, Any]]


def assert_same(data: EllipsoidData, potential: GayBerne, figures: Arrays, rtol: float) -> None:
    result = mechanics(potential, data)
    ours = {
        "energies": potential(data),
        "forces": result.forces,
        "torques": result.torques,
        "virial": result.virial[0],
    }
    for name, values in ours.items():
        expected = torch.from_numpy(figures[name])
        error = (values.double() - expected).abs().max() / expected.abs().max()
        assert error < rtol, name


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["f64", "f32"])
@pytest.mark.parametrize("name", by_lammps.POTENTIALS)
def test_figures_of_lammps(name: str, dtype: torch.dtype) -> None:
    with np.load(by_lammps.FIGURES) as file:
        arrays = dict(file)
    particles = {key: torch.from_numpy(arrays[key]) for key in ("pos", "orientations", "semiaxes")}
    data = EllipsoidData(
        **{key: x.to(dtype) for key, x in particles.items()},
        types=arrays["types"],
        cell=torch.from_numpy(arrays["cell"]).to(dtype),
        pbc=True,
    )
    figures = {quantity: arrays[f"{name}_{quantity}"] for quantity in by_lammps.QUANTITIES}
    rtol = 1e-10 if dtype == torch.float64 else 1e-4  # single precision is steep in 1 / ζ¹³
    assert_same(data, by_lammps.POTENTIALS[name], figures, rtol)


@pytest.mark.parametrize("name", by_lammps.POTENTIALS)
def test_lammps_itself(name: str) -> None:
    try:
        by_lammps.start_lammps().close()
    except (ImportError, OSError) as error:
        pytest.skip(f"no LAMMPS to compare with: {error}")
    data, potential = by_lammps.mixed_fluid(seed=7, n_per_side=5), by_lammps.POTENTIALS[name]
    assert_same(data, potential, by_lammps.evaluate(data, potential), rtol=1e-10)


def random_pairs(generator: torch.Generator, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Vectors (n, 3), quaternions and semi-axes (2n, ...), far enough apart."""
    vectors = torch.randn(n, 3, dtype=torch.float64, generator=generator)
    lengths = 2.2 + 0.8 * torch.rand(n, 1, dtype=torch.float64, generator=generator)
    orientations = torch.randn(2 * n, 4, dtype=torch.float64, generator=generator)
    semiaxes = 0.4 + 0.6 * torch.rand(2 * n, 3, dtype=torch.float64, generator=generator)
    semiaxes[0], semiaxes[1] = 0.5, 0.5  # the first pair are equal spheres
    return vectors * lengths / vectors.norm(dim=1, keepdim=True), orientations, semiaxes


def energies_of_pairs(
    potential: GayBerne, vectors: Tensor, orientations: Tensor, semiaxes: Tensor
) -> Tensor:
    bodies = potential.bodies(torch.zeros(len(semiaxes)).long(), orientations, semiaxes)
    n = torch.arange(len(vectors))
    return potential.pair_energies(vectors, bodies.select(n), bodies.select(len(vectors) + n))


@pytest.mark.parametrize("kappas", [(3.0, 5.0), (0.345, 0.2)], ids=["rods", "disks"])
def test_gay_and_berne_1981(generator: torch.Generator, kappas: tuple[float, float]) -> None:
    kappa, kappa_prime = kappas
    mu, nu = 2.0, 1.0
    vectors, orientations, _ = random_pairs(generator, 50)
    vectors = vectors * 1.5
    u, v = quaternions_to_matrices(orientations)[:, :, 2].reshape(2, 50, 3).numpy()
    distances = vectors.norm(dim=1).numpy()
    r = vectors.numpy() / distances[:, None]
    ru, rv, uv = (r * u).sum(1), (r * v).sum(1), (u * v).sum(1)

    def bracket(chi: float) -> np.ndarray[Any, Any]:
        plus, minus = (ru + rv) ** 2 / (1 + chi * uv), (ru - rv) ** 2 / (1 - chi * uv)
        return 1 - chi / 2 * (plus + minus)

    chi = (kappa**2 - 1) / (kappa**2 + 1)
    chi_prime = (kappa_prime ** (1 / mu) - 1) / (kappa_prime ** (1 / mu) + 1)
    depths = (1 - chi**2 * uv**2) ** (-nu / 2) * bracket(chi_prime) ** mu
    zeta = distances - bracket(chi) ** -0.5 + 1
    expected = 4 * depths * (zeta**-12 - zeta**-6)

    potential = GayBerne([0], 9.0, well_depths=[1, 1, 1 / kappa_prime], mu=mu, upsilon=nu)
    semiaxes = torch.tensor([0.5, 0.5, kappa / 2], dtype=torch.float64).expand(100, 3)
    energies = energies_of_pairs(potential, vectors, orientations, semiaxes)
    np.testing.assert_allclose(energies.numpy(), expected, rtol=1e-11)


@pytest.mark.parametrize("sphere_types", [[], [0]], ids=["general", "lennard_jones"])
def test_equal_spheres_are_lennard_jones(
    generator: torch.Generator, sphere_types: list[int]
) -> None:
    atoms = Atoms("Ar12", scaled_positions=np.random.default_rng(3).random((12, 3)), cell=[6, 6, 6])
    atoms.pbc = True
    atoms.calc = LennardJones(sigma=1.1, epsilon=0.7, rc=2.9)
    data = EllipsoidData(
        pos=atoms.positions,
        orientations=torch.randn(12, 4, dtype=torch.float64, generator=generator),
        semiaxes=np.full((12, 3), 0.55),
        types=[0] * 12,
        cell=atoms.cell.array,
        pbc=True,
    )
    shift = bool(sphere_types)
    potential = GayBerne([0], 2.9, epsilon=0.7, sigma=1.1, sphere_types=sphere_types, shift=shift)
    result = mechanics(potential, data)
    at_cutoff = (1.1 / 2.9) ** 6
    n_pairs = data.with_edges(2.9).num_edges / 2
    offset = 0 if shift else n_pairs * 2.8 * (at_cutoff**2 - at_cutoff)  # ASE always shifts
    assert float(result.energy) - offset == pytest.approx(atoms.get_potential_energy(), rel=1e-10)
    np.testing.assert_allclose(result.forces, atoms.get_forces(), rtol=1e-9, atol=1e-9)
    scale = float(result.forces.abs().max())
    assert float(result.torques.abs().max()) < 1e-12 * scale


@pytest.mark.parametrize("smoothing_width", [0.0, 0.9])
def test_derivatives_of_first_and_second_order(
    generator: torch.Generator, smoothing_width: float
) -> None:
    potential = GayBerne(
        [0], 3.0, well_depths=[1.5, 0.7, 0.4], mu=1.5, upsilon=0.8, smoothing_width=smoothing_width
    )
    inputs = [x.requires_grad_() for x in random_pairs(generator, 4)]

    def energies(*inputs: Tensor) -> Tensor:
        return energies_of_pairs(potential, *inputs)

    torch.autograd.gradcheck(energies, inputs)
    torch.autograd.gradgradcheck(energies, inputs)
    gradients = torch.autograd.grad(energies(*inputs).sum(), inputs)
    assert float(gradients[2][0].abs().min()) > 1e-5  # a sphere's semi-axes can be learnt


def test_single_precision_has_finite_derivatives(generator: torch.Generator) -> None:
    potential = GayBerne([0], 3.0, smoothing_width=0.5)
    doubles = [x.requires_grad_() for x in random_pairs(generator, 50)]
    singles = [x.detach().float().requires_grad_() for x in doubles]
    expected, found = (
        torch.autograd.grad(energies_of_pairs(potential, *x).sum(), x) for x in (doubles, singles)
    )
    for x, y in zip(expected, found, strict=True):
        assert y.dtype == torch.float32
        torch.testing.assert_close(y.double(), x, rtol=1e-3, atol=1e-4 * float(x.abs().max()))


@pytest.fixture
def fluid() -> EllipsoidData:
    return by_lammps.mixed_fluid(seed=11, n_per_side=3)


def test_one_energy_however_it_is_called(fluid: EllipsoidData) -> None:
    potential = by_lammps.POTENTIALS["mixed"]
    expected = potential(fluid)
    turned = fluid.clone()
    turned.orientations = quaternions_to_matrices(fluid.orientations)
    longer = fluid.clone()
    longer.orientations = -3 * fluid.orientations
    both = potential(Batch.from_data_list([fluid, longer]))
    for energies in (potential(turned), *both.chunk(2), potential(fluid.with_edges(5.0))):
        torch.testing.assert_close(energies, expected, rtol=1e-12, atol=1e-12)


def test_images_of_a_particle_count(fluid: EllipsoidData) -> None:
    potential = by_lammps.POTENTIALS["mixed"]
    small = EllipsoidData(
        fluid.pos[:2] / 3, fluid.orientations[:2], fluid.semiaxes[:2], fluid.types[:2],
        cell=fluid.cell / 2.2, pbc=True,
    )  # fmt: skip
    assert float(small.cell[0, 0, 0]) < potential.cutoff
    copies = torch.cartesian_prod(*[torch.arange(2.0, dtype=torch.float64)] * 3) @ small.cell[0]
    doubled = EllipsoidData(
        (small.pos + copies[:, None]).flatten(0, 1), small.orientations.repeat(8, 1),
        small.semiaxes.repeat(8, 1), small.types.repeat(8), cell=2 * small.cell, pbc=True,
    )  # fmt: skip
    torch.testing.assert_close(potential(doubled), potential(small).repeat(8))
    assert mechanics(potential, small).forces.abs().max() > 1e-3


def test_energy_is_switched_off_smoothly() -> None:
    width = 0.4
    plain, smooth = GayBerne([0], 3.0), GayBerne([0], 3.0, smoothing_width=width)
    x = torch.linspace(2.0, 3.2, 1201, dtype=torch.float64)
    vectors = torch.stack([x, 0 * x, 0 * x], 1)
    orientations = torch.tensor([[1.0, 2.0, 0.5, 0.0]], dtype=torch.float64).expand(2402, 4)
    semiaxes = torch.tensor([0.5, 0.75, 1.0], dtype=torch.float64).expand(2402, 3)
    before, after = (energies_of_pairs(p, vectors, orientations, semiaxes) for p in (plain, smooth))
    assert torch.equal(before[x < 2.6], after[x < 2.6])
    assert (after[x > 2.61].abs() < before[x > 2.61].abs()).logical_or(x[x > 2.61] >= 3.0).all()
    assert not after[x >= 3.0].any()


def test_each_pair_is_evaluated_once(fluid: EllipsoidData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANISOAP_E3NN_BACKEND", "torch")
    potential, sizes = by_lammps.POTENTIALS["mixed"], []
    module = importlib.import_module("anisoap_e3nn.gay_berne.potential")

    def counted(function: Any) -> Any:
        def count(vectors: Tensor, *others: Any) -> Any:
            sizes.append(vectors.shape[1])
            return function(vectors, *others)

        return count

    for name in ("energies_of_pairs", "energies_and_gradient"):
        monkeypatch.setattr(module, name, counted(getattr(module, name)))
    n_edges = fluid.with_edges(potential.cutoff).num_edges
    potential(fluid)
    mechanics(potential, fluid)
    assert sizes == [n_edges // 2] * 2


@pytest.mark.compiler
@needs_compiler
def test_exports_for_any_number_of_pairs(fluid: EllipsoidData) -> None:
    potential = by_lammps.POTENTIALS["mixed"]
    exported = export_energy(potential, fluid).module()
    for data in (fluid, fluid.with_edges(5.0), by_lammps.mixed_fluid(seed=12, n_per_side=2)):
        energies = exported(graph_tensors(potential, data))
        torch.testing.assert_close(energies, potential(data))


def test_behind_the_pole_energy_is_infinite() -> None:
    potential = GayBerne([0], 6.0)
    data = EllipsoidData(
        pos=[[0, 0, 0], [0, 0, 0.5]], orientations=[[1, 0, 0, 0]] * 2,
        semiaxes=[[0.5, 0.5, 1.5]] * 2, types=[0, 0],
    )  # fmt: skip
    result = mechanics(potential, data)
    assert float(result.energy) == math.inf
    assert not result.forces.any()
    assert not result.torques.any()


def test_nothing_to_interact_with(fluid: EllipsoidData) -> None:
    potential = by_lammps.POTENTIALS["mixed"]
    alone = EllipsoidData(
        fluid.pos[:1], fluid.orientations[:1], fluid.semiaxes[:1], fluid.types[:1]
    )
    assert potential(alone).tolist() == [0.0]
    none = EllipsoidData(fluid.pos[:0], fluid.orientations[:0], fluid.semiaxes[:0], fluid.types[:0])
    assert potential(none).shape == (0,)


@pytest.mark.compiler
@needs_compiler
def test_compiles_as_one_graph(fluid: EllipsoidData) -> None:
    potential = by_lammps.POTENTIALS["mixed"]
    data = fluid.with_edges(potential.cutoff)
    check_compilation(potential, data)


def test_repr() -> None:
    text = repr(GayBerne([4], 3.0, smoothing_width=0.5))
    assert text == (
        "GayBerne(types=[4], cutoff=3.0, epsilon=[[1.0]], sigma=[[1.0]], "
        "well_depths=[[1.0, 1.0, 1.0]], gamma=1.0, upsilon=1.0, mu=1.0, smoothing_width=0.5)"
    )


def test_symmetries_and_derivatives(fluid: EllipsoidData) -> None:
    potential = by_lammps.POTENTIALS["mixed"]
    check_equivariance(potential, fluid)
    check_derivatives(potential, fluid, directions=3)
