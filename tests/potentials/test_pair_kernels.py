"""Native kernels of potentials of pairs against their definitions in torch, and these against autograd."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.gay_berne import GayBerne
from anisoap_e3nn.geometry import quaternions_to_matrices
from anisoap_e3nn.graph import edges_of, one_of_each_pair
from anisoap_e3nn.graph.verlet import Neighbors
from anisoap_e3nn.ops.backends.pair_native import PairInputs
from anisoap_e3nn.potentials import Design, Mechanics, PairPotential, mechanics
from anisoap_e3nn.testing import check_derivatives
from common import by_number_of_threads, needs_native

pytestmark = needs_native
CUTOFF = 3.2


def fluid(generator: torch.Generator, n_per_side: int, types: list[int]) -> EllipsoidData:
    """Ellipsoids in a triclinic cell, which nearly touch."""
    n, real = n_per_side**3, {"dtype": torch.float64, "generator": generator}
    grid = torch.cartesian_prod(*[torch.arange(n_per_side, dtype=torch.float64)] * 3)
    cell = torch.tensor([[1.9, 0, 0], [0.3, 2.0, 0], [-0.2, 0.4, 2.1]], dtype=torch.float64)
    of_particles = torch.tensor(types)[torch.randint(len(types), (n,), generator=generator)]
    semiaxes = 0.4 + 0.5 * torch.rand(n, 3, **real)
    semiaxes[of_particles == 5] = 0.6
    return EllipsoidData(
        pos=grid.reshape(n, 3) @ cell + 0.3 * torch.rand(n, 3, **real),
        orientations=torch.randn(n, 4, **real),
        semiaxes=semiaxes,
        types=of_particles,
        cell=n_per_side * cell,
        pbc=True,
    )


def pair_potential(
    generator: torch.Generator, n_radial: int, max_degree: int, smallest_gap: float | None = None
) -> PairPotential:
    potential = PairPotential(
        [6, 1, 5], CUTOFF, n_radial, max_degree, decay_length=1.0, smallest_gap=smallest_gap
    ).double()
    torch.nn.init.normal_(potential.weights, std=0.01, generator=generator)
    return potential


def gay_berne(**changes: Any) -> GayBerne:
    arguments: dict[str, Any] = {
        "epsilon": [1.0, 1.4, 0.8],
        "sigma": [[1.0, 0.95, 1.2], [0.95, 0.8, 0.9], [1.2, 0.9, 1.1]],
        "well_depths": [[1.5, 0.7, 0.4], [0.6, 0.6, 2.0], [1.0, 1.0, 1.0]],
    }
    return GayBerne([6, 1, 5], CUTOFF, **(arguments | changes))


POTENTIALS = {
    "10 radial functions of degree 4": lambda g: pair_potential(g, 10, 4),
    "7 radial functions of degree 3": lambda g: pair_potential(g, 7, 3),
    "bounded functions": lambda g: pair_potential(g, 8, 2, smallest_gap=0.2),
    "functions of the gap": lambda g: pair_potential(g, 3, 0),
    "Gay-Berne": lambda g: gay_berne(),
    "switched Gay-Berne": lambda g: gay_berne(
        gamma=0.9, upsilon=0.7, mu=2.3, smoothing_width=0.6, sphere_types=[5]
    ),
    "shifted spheres": lambda g: gay_berne(upsilon=2.0, mu=2.0, sphere_types=[5], shift=True),
}


def by_backend(potential: Any, data: Any, name: str) -> Mechanics:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANISOAP_E3NN_BACKEND", name)
        return mechanics(potential, data)


def assert_close(found: Mechanics, expected: Mechanics, tolerance: float) -> None:
    for name, a, b in zip(Mechanics._fields, found, expected, strict=True):
        error = float((a - b).detach().abs().max() / b.detach().abs().max().clamp(min=1e-3))
        assert error < tolerance, f"{name} differs by {error:.1e}"


@pytest.mark.parametrize("name", POTENTIALS)
def test_kernels_have_the_values_of_their_definitions(
    name: str, generator: torch.Generator, instruction_set: str
) -> None:
    potential = POTENTIALS[name](generator)
    data = fluid(generator, 4, [6, 1, 5])
    expected = by_backend(potential, data, "torch")
    found = by_backend(potential, data, "native")
    assert_close(found, expected, 1e-12)
    assert found.torques.abs().max() > 1e-3
    data.orientations = quaternions_to_matrices(data.orientations)
    assert_close(by_backend(potential, data, "native"), expected, 1e-12)
    with torch.no_grad():
        torch.testing.assert_close(potential(data), expected.energies, rtol=1e-12, atol=1e-12)

    single = by_backend(potential.float(), data.clone().apply(_to_float), "native")
    assert single.forces.dtype == torch.float32
    for a, b in zip(single, expected, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=2e-3, atol=1e-4 * float(b.abs().max()))


def _to_float(x: Tensor) -> Tensor:
    return x.float() if x.is_floating_point() else x


@pytest.mark.parametrize("name", POTENTIALS)
def test_kernels_have_finite_differences_as_forces_and_torques(
    name: str, generator: torch.Generator
) -> None:
    check_derivatives(POTENTIALS[name](generator), fluid(generator, 2, [6, 1, 5]), directions=3)


@pytest.mark.parametrize("name", ["switched Gay-Berne", "shifted spheres", "Gay-Berne"])
def test_definition_of_gay_berne_derivatives_is_autograd(
    name: str, generator: torch.Generator
) -> None:
    """Also a second time, with respect to the sizes: forces can be trained by them."""
    potential, data = POTENTIALS[name](generator), fluid(generator, 3, [6, 1])
    data.semiaxes.requires_grad_()
    results = [
        mechanics(model, data, create_graph=True) for model in (potential, lambda x: potential(x))
    ]
    assert_close(Mechanics(*results[0]), Mechanics(*results[1]), 1e-12)
    slopes = [
        torch.autograd.grad(x.forces.square().sum() + x.torques.square().sum(), data.semiaxes)[0]
        for x in results
    ]
    torch.testing.assert_close(*slopes, rtol=1e-10, atol=1e-10 * float(slopes[1].abs().max()))


def test_parameters_of_gay_berne_can_be_differentiated(generator: torch.Generator) -> None:
    potential, data = gay_berne(), fluid(generator, 2, [6, 1])
    potential.epsilon = potential.epsilon.requires_grad_()
    energy = mechanics(potential, data, create_graph=True).energy.sum()
    (slopes,) = torch.autograd.grad(energy, potential.epsilon)
    torch.testing.assert_close((slopes * potential.epsilon).sum(), energy)


def test_batches_of_frames_with_few_pairs(generator: torch.Generator) -> None:
    """A frame without pairs, one with a single pair, and one whose particles see their own images."""
    frames = [fluid(generator, n, [6, 1]) for n in (1, 2, 3, 1)]
    frames[0].pbc = torch.zeros_like(frames[0].pbc)
    batch = Batch.from_data_list(frames)
    for name in ("10 radial functions of degree 4", "Gay-Berne"):
        potential = POTENTIALS[name](generator)
        found, expected = (by_backend(potential, batch, x) for x in ("native", "torch"))
        assert_close(found, expected, 1e-12)
        alone = by_backend(potential, frames[2], "native")
        torch.testing.assert_close(found.virial[2:3], alone.virial, rtol=1e-13, atol=1e-13)
        assert not found.virial[0].any()
        none = fluid(generator, 2, [6]).subgraph(torch.zeros(8, dtype=torch.bool))
        assert by_backend(potential, none, "native").forces.shape == (0, 3)


@pytest.mark.parametrize("name", POTENTIALS)
def test_one_edge_of_each_pair(name: str, generator: torch.Generator) -> None:
    """In either direction, whatever the types, and without the virial."""
    potential, data = POTENTIALS[name](generator), fluid(generator, 3, [6, 1, 5])
    potential.requires_grad_(False)
    both = edges_of(data, CUTOFF)
    once = one_of_each_pair(both.edge_index, both.edge_vectors)
    turned = torch.rand(len(once), generator=generator) < 0.5
    index, vectors = both.edge_index[:, once], both.edge_vectors[once]
    inputs = PairInputs(
        data.types, potential.type_index.values, data.orientations, data.semiaxes,
        torch.where(turned[:, None], -vectors, vectors),
        torch.where(turned, index.flip(0), index),
        n_frames=0, once=True,
    )  # fmt: skip
    found, expected = potential.native_results(inputs), potential.derivatives(data, both)
    assert found.virial.shape == (0, 3, 3)
    for result, reference in zip(found[:3], expected[5:] + expected[1:3], strict=True):
        scale = float(reference.abs().max())
        torch.testing.assert_close(result, reference, rtol=1e-12, atol=1e-12 * scale)
    inputs.edge_vectors[3] = 0
    assert potential.native_results(inputs) is None
    inputs.edge_vectors[3], inputs.edge_index[1, 3] = 1, len(data.types)
    assert potential.native_results(inputs) is None


def test_results_do_not_depend_on_the_number_of_threads(generator: torch.Generator) -> None:
    data = fluid(generator, 8, [6, 1])  # several blocks of pairs
    edges = edges_of(data, CUTOFF)
    for name in ("10 radial functions of degree 4", "switched Gay-Berne"):
        potential = POTENTIALS[name](generator)
        with torch.no_grad():
            results = by_number_of_threads(lambda p=potential: p.derivatives(data, edges))
        for other in results[1:]:
            assert all(map(torch.equal, results[0], other))


@pytest.mark.parametrize("name", ["functions of the gap", "Gay-Berne"])
def test_what_kernels_leave_to_the_definition(
    name: str, generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Graphs, tracers and input to be refused."""
    potential, data = POTENTIALS[name](generator), fluid(generator, 2, [6, 1])
    edges = edges_of(data, CUTOFF)
    served: list[bool] = []
    run = type(potential).native_results

    def recorded(*arguments: Any) -> Any:
        found = run(*arguments)
        served.append(found is not None)
        return found

    monkeypatch.setattr(type(potential), "native_results", recorded)
    potential.derivatives(data, edges)
    if isinstance(potential, PairPotential):
        assert served.pop() is False  # its weights may be trained on the result
    potential.requires_grad_(False)
    potential.derivatives(data, edges)
    assert served.pop() is True
    near = data.with_edges(CUTOFF)

    def energy(pos: Tensor) -> Tensor:
        near.pos = pos
        return potential(near).sum()

    slopes = torch.func.grad(energy)(data.pos)
    assert served.pop() is False
    torch.testing.assert_close(-slopes, mechanics(potential, data).forces)
    bad = {
        "unknown particle types": {"types": torch.full((8,), 9)},
        "finite|zero, NaN": {"orientations": torch.full((8, 4), torch.nan).double()},
        "≥ 0|> 0": {"semiaxes": -data.semiaxes},
        "same place": {"pos": data.pos[[0, 0, 2, 3, 4, 5, 6, 7]]},
    }
    for message, changes in bad.items():
        changed = data.clone()
        for field, value in changes.items():
            changed[field] = value
        with pytest.raises(ValueError, match=message):
            mechanics(potential, changed)
        assert served.pop() is False
    outside = edges.edge_index.clone()
    outside[0, 3] = 8
    with pytest.raises((ValueError, IndexError), match=r"out of bounds|expected 0\.\.7"):
        potential.derivatives(data, replace(edges, neighbors=Neighbors(outside, edges.edge_shifts)))
    assert served.pop() is False


def test_rows_of_the_design_matrix(generator: torch.Generator, instruction_set: str) -> None:
    frames = [fluid(generator, n, [6, 1, 5]) for n in (1, 3, 2)]
    batch = Batch.from_data_list(frames)
    for name in ("10 radial functions of degree 4", "functions of the gap"):
        potential = POTENTIALS[name](generator)
        native_rows, torch_rows = (design_by(potential, batch, x) for x in ("native", "torch"))
        for found, expected in zip(native_rows, torch_rows, strict=True):
            scale = float(expected.abs().max())
            torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12 * scale)
        assert all(rows.abs().max() > 0.1 for rows in native_rows)
        by_threads = by_number_of_threads(lambda p=potential: p.design(batch))
        assert all(all(map(torch.equal, by_threads[0], other)) for other in by_threads[1:])


def design_by(potential: PairPotential, data: Any, name: str) -> Design:
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setenv("ANISOAP_E3NN_BACKEND", name)
        return potential.design(data)
