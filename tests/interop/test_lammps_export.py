"""Packages for ``pair_style anisoap/torch``, against their models; LAMMPS is not needed."""

import ctypes
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from anisoap_e3nn.gay_berne import GayBerne
from anisoap_e3nn.interop.lammps.exchange_operation import exchange_features
from anisoap_e3nn.interop.lammps.export import export_model
from anisoap_e3nn.interop.lammps.interface import Step
from anisoap_e3nn.interop.lammps.opened_model import OpenedModel
from anisoap_e3nn.networks import MACEStylePotential
from anisoap_e3nn.ops.backends.pair_operations import gay_berne_terms, pair_potential_terms
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    OneBodyPotential,
    PairPotential,
    StackedPotential,
    SurfaceRepulsion,
)
from common import needs_compiler, needs_native

TYPES = [7, 3, 5]
CUTOFF = 3.0

pytestmark = [needs_compiler, needs_native]


def randomized(model: torch.nn.Module) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    return model


def models() -> dict[str, torch.nn.Module]:
    torch.manual_seed(1)
    gay_berne = GayBerne(
        TYPES,
        CUTOFF,
        sigma=0.6,
        well_depths=[[1.0, 1.5, 0.4], [0.5, 1.0, 2.0], [1.0, 1.0, 1.0]],
        sphere_types=[5],
    )
    repulsion = SurfaceRepulsion(TYPES, 2.5, 3.0, 0.2)
    many_body = ManyBodyPotential(TYPES, 2.6, max_angular=1, max_radial=1, hidden=[4])
    stack = [OneBodyPotential(TYPES), PairPotential(TYPES, CUTOFF), repulsion, many_body]
    small = {
        "max_angular": 1,
        "max_radial": 0,
        "n_radial": 2,
        "radial_layers": [4],
        "edge_orientations": False,
        "include_self": True,  # so that a particle's first features depend on its neighbours
    }
    built = {
        "pairs": StackedPotential([gay_berne, repulsion]),
        "pairs_and_types": StackedPotential([OneBodyPotential(TYPES), gay_berne]),
        "stack": StackedPotential(stack),
        # with products of channels, and features that layers exchange
        "network": MACEStylePotential(TYPES, CUTOFF, 2, 1, 1, 2, n_layers=2, **small),
    }
    return {name: randomized(model).eval() for name, model in built.items()}


def step(n: int, n_local: int) -> Step:
    """Particles of a rank, the last of them ghosts, with the edges that the pair style makes."""
    generator = torch.Generator().manual_seed(n)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    positions = 1.2 * torch.cartesian_prod(*[torch.arange(3.0, dtype=torch.float64)] * 3)[:n]
    positions = positions + 0.1 * normal(n, 3)
    semiaxes = 0.3 + 0.1 * normal(n, 3).clamp(-1, 1)
    types = torch.arange(n) % 3 + 1
    semiaxes[types == 3] = 0.4
    vectors = positions[None] - positions[:, None]  # -> [centre, neighbour, 3]
    close = (vectors.square().sum(2) < CUTOFF**2) & ~torch.eye(n, dtype=torch.bool)
    centers, neighbors = (close & (torch.arange(n) < n_local)[:, None]).nonzero().T
    first = centers < neighbors
    pairs = torch.stack([neighbors[first], centers[first]])
    return Step(
        n,
        n_local,
        positions,
        normal(n, 4),
        semiaxes,
        types,
        *(torch.full(shape, torch.nan, dtype=torch.float64) for shape in ((n,), (n, 3), (n, 3))),
        pairs,
        positions[pairs[0]] - positions[pairs[1]],
        torch.stack([neighbors, centers]),
    )


def exchanged(rows: torch.Tensor, n_local: int, reverse: bool) -> torch.Tensor:
    """Features [all, width] after an exchange between ghosts and their owners, chosen by their numbers."""
    owners = torch.arange(n_local, len(rows)) % n_local
    own = rows[:n_local]
    if reverse:
        summed = own.index_add(0, owners, rows[n_local:])
        return torch.cat([summed, torch.zeros_like(rows[n_local:])])
    return torch.cat([own, own[owners]])


def expected(model: torch.nn.Module, of: Step) -> tuple[torch.Tensor, ...]:
    def exchange(address: ctypes.c_void_p, width: ctypes.c_int64, reverse: int) -> None:
        shape = len(of.positions), width.value
        rows = torch.from_numpy(
            np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(ctypes.c_double)), shape)
        )
        rows.copy_(exchanged(rows, of.n_local, bool(reverse)))

    opened = OpenedModel(
        "model\n7\n3\n5", "lj", {"model": model}, SimpleNamespace(anisoap_exchange=exchange)
    )
    opened.evaluate(of)
    return of.energies, of.forces, of.torques


@contextmanager
def exchanging(n_local: int) -> Iterator[list[int]]:
    """A kernel for the exchange of features, as the plugin has one. It notes the widths of rows."""
    widths = []

    def exchange(rows: torch.Tensor, reverse: bool) -> torch.Tensor:
        widths.append(rows.shape[1])
        return exchanged(rows, n_local, reverse)

    with torch.library._scoped_library("anisoap_e3nn", "FRAGMENT") as library:
        library.impl("exchange_features", exchange, "CPU")
        yield widths


def packaged(package: Any, of: Step) -> tuple[torch.Tensor, ...]:
    metadata = package.get_metadata()
    with exchanging(of.n_local) as widths:
        results = evaluated(package, metadata, of)
    assert max(widths, default=0) == int(metadata["exchanged_width"])
    return results


def evaluated(package: Any, metadata: Any, of: Step) -> tuple[torch.Tensor, ...]:
    edges: list[torch.Tensor] = []
    for cutoff in map(float, metadata["pair_cutoffs"].split()):
        within = of.pair_vectors.square().sum(1) < cutoff**2
        edges += [of.pair_edges[:, within], of.pair_vectors[within]]
    index = of.neighborhood_edges
    squares = (of.positions[index[0]] - of.positions[index[1]]).square().sum(1)
    for cutoff in map(float, metadata["neighborhood_cutoffs"].split()):
        edges.append(index[:, squares < cutoff**2])
    types = torch.tensor([0, *TYPES])[of.types]
    particles = of.positions, of.quaternions, of.semiaxes, types, torch.tensor(of.n_local)
    return tuple(package(*particles, *edges))


@pytest.fixture(scope="module", params=["pairs", "pairs_and_types", "stack", "network"])
def exported(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[torch.nn.Module, Any]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    model = models()[request.param]
    path = tmp_path_factory.mktemp("packages") / "model.pt2"
    export_model(model, path, units="lj")
    torch.set_default_dtype(before)
    return model, torch._inductor.aoti_load_package(str(path))


@pytest.mark.compiler
@pytest.mark.skipif(shutil.which("g++") is None, reason="AOTInductor needs a C++ compiler")
@pytest.mark.parametrize(("n", "n_local"), [(27, 20), (12, 12), (20, 3)])
def test_a_package_is_its_model(
    exported: tuple[torch.nn.Module, Any], n: int, n_local: int
) -> None:
    model, package = exported
    found = packaged(package, step(n, n_local))
    for result, reference in zip(found, expected(model, step(n, n_local)), strict=True):
        assert reference.abs().max() > 1e-3
        torch.testing.assert_close(result, reference, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["pairs", "stack"])
def test_a_model_without_native_kernels(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    model = models()[name]
    torch.set_default_dtype(before)
    found = expected(model, step(27, 20))
    monkeypatch.setenv("ANISOAP_E3NN_BACKEND", "torch")
    for result, reference in zip(found, expected(model, step(27, 20)), strict=True):
        assert reference.abs().max() > 1e-3
        torch.testing.assert_close(result, reference, rtol=1e-12, atol=1e-12)


def test_a_model_without_cutoff_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the model has no cutoff"):
        export_model(OneBodyPotential([0]), tmp_path / "model.pt2")


class Branching(torch.nn.Module):
    """Energies by a branch that depends on the positions, which no compiled model has."""

    cutoff = CUTOFF

    def forward(self, data: Any) -> torch.Tensor:
        energies: torch.Tensor = data.pos[:, 0]
        return energies if energies.sum() > 0 else -energies


def test_a_model_that_cannot_be_compiled_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the model cannot be compiled: .*branching"):
        export_model(Branching(), tmp_path / "model.pt2")
    assert not list(tmp_path.iterdir())


def test_files_are_not_replaced_unasked(tmp_path: Path) -> None:
    model, path = PairPotential([0], CUTOFF), tmp_path / "model.pt2"
    path.touch()
    with pytest.raises(FileExistsError, match="use overwrite=True"):
        export_model(model, path)
    with pytest.raises(ValueError, match=r"expected a name that ends in .pt2"):
        export_model(model, tmp_path / "model.pt")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        export_model(model, tmp_path / "none" / "model.pt2")


def pair_operations(of: Step) -> dict[str, tuple[Any, list[Any]]]:
    """Operation of each kind of pair potential, and its arguments."""
    types = torch.tensor([0, *TYPES])[of.types]
    particles = of.quaternions, of.semiaxes, of.pair_vectors, of.pair_edges
    gay_berne = GayBerne(TYPES, CUTOFF, sphere_types=[5]).double()
    constants = gay_berne.epsilon, gay_berne.sigma, gay_berne.well_depths, gay_berne.is_sphere
    pair = PairPotential(TYPES, CUTOFF).double()
    functions = [torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in pair.functions]
    known = gay_berne.type_index.values
    return {
        "GayBerne": (gay_berne_terms, [types, known, *particles, *constants, *gay_berne.numbers]),
        "PairPotential": (
            pair_potential_terms,
            [types, known, *particles, pair.weights.detach(), *functions],
        ),
    }


@pytest.mark.parametrize("name", ["GayBerne", "PairPotential"])
def test_operations_keep_the_rules_of_torch(name: str) -> None:
    operation, arguments = pair_operations(step(12, 12))[name]
    torch.library.opcheck(operation, tuple(arguments))


@pytest.mark.parametrize("name", ["GayBerne", "PairPotential"])
def test_operations_refuse_what_kernels_refuse(name: str) -> None:
    operation, (types, *others) = pair_operations(step(12, 12))[name]
    with pytest.raises(ValueError, match=f"{name} refuses a particle or an edge"):
        operation(types + 1, *others)


@pytest.mark.parametrize("reverse", [False, True])
def test_the_exchange_keeps_the_rules_of_torch(reverse: bool) -> None:
    exchange = torch.ops.anisoap_e3nn.exchange_features.default
    rows = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
    with exchanging(n_local=5):
        torch.library.opcheck(exchange, (rows, reverse))
        assert torch.autograd.gradcheck(exchange, (rows, reverse))


def test_nothing_is_exchanged_without_a_pair_style() -> None:
    with pytest.raises(NotImplementedError, match="exchange_features"):
        exchange_features(torch.ones(3, 2))
