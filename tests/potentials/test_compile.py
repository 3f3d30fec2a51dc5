"""Compiled and exported models are the models."""

import io
import shutil

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.potentials import (
    Mechanics,
    ParticleShapes,
    compile_mechanics,
    export_energy,
    graph_tensors,
    mechanics,
)
from common import needs_compiler

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.usefixtures("fresh_compiler"),
    # where the torch backend is traced, and in torch's own export
    pytest.mark.filterwarnings("ignore:(?s).*lru_cache:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
]


class SmallEnergy(torch.nn.Module):
    """Learnt shapes, features and a readout: parameters before and after the kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes = ParticleShapes([6, 1], [[0.5, 0.9, 1.5], [0.4, 1.2, 0.8]])
        self.embedding = AniSOAPEmbedding(
            [6, 1],
            4.0,
            2,
            radial_gaussian_width=1.2,
            cutoff_function="polynomial",
            irreps_out="4x0e+2x1o+2x2e",
        )

    def forward(self, data: EllipsoidData) -> Tensor:
        return torch.tanh(20 * self.embedding(self.shapes(data)).square().sum(1))  # -> [particle]


@pytest.fixture
def small() -> SmallEnergy:
    torch.manual_seed(1)
    return SmallEnergy()


@pytest.fixture
def batches(frames: dict[str, EllipsoidData]) -> list[Batch]:
    """Of different numbers of particles, edges and frames; with edges, with more of them, and without."""
    several = [
        ["periodic", "open", "slab", "empty"],
        ["one_periodic", "slab"],
        ["slab", "one_open", "one_periodic"],
    ]
    first, second, third = (Batch.from_data_list([frames[k] for k in names]) for names in several)
    return [first.with_edges(4.0), second.with_edges(5.0), third]


def loss(result: Mechanics) -> Tensor:
    return sum(x.square().sum() + x.sum() for x in result)


def gradients(model: torch.nn.Module, result: Mechanics) -> list[Tensor]:
    return list(torch.autograd.grad(loss(result), list(model.parameters())))


def assert_same(results: Mechanics | list[Tensor], expected: Mechanics | list[Tensor]) -> None:
    for x, y in zip(results, expected, strict=True):
        torch.testing.assert_close(x, y, rtol=1e-12, atol=1e-13)


def assert_trains(
    model: torch.nn.Module, batches: list[EllipsoidData], n_graphs: int, **options: str
) -> None:
    """Every step has the gradients of the uncompiled one, and sees the parameters that it left."""
    compiled = compile_mechanics(model, create_graph=True, **options)
    for batch in batches:
        result, expected = compiled(batch), mechanics(model, batch, create_graph=True)
        assert_same(result, expected)
        steps = gradients(model, result)
        assert_same(steps, gradients(model, expected))
        with torch.no_grad():
            for parameter, step in zip(model.parameters(), steps, strict=True):
                assert step.any()
                parameter -= 1e-3 * step
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == n_graphs


@needs_compiler
def test_training_steps(small: SmallEnergy, batches: list[Batch]) -> None:
    assert_trains(small, batches, n_graphs=1, backend="aot_eager")


@needs_compiler
def test_training_steps_on_the_torch_backend(
    small: SmallEnergy, batches: list[Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANISOAP_E3NN_BACKEND", "torch")
    assert_trains(small, batches, n_graphs=1, backend="aot_eager")


@pytest.mark.skipif(not shutil.which("g++"), reason="Inductor needs a C++ compiler")
@needs_compiler
def test_training_steps_in_generated_code(small: SmallEnergy, batches: list[Batch]) -> None:
    assert_trains(small, batches, n_graphs=1)


@needs_compiler
def test_inference(small: SmallEnergy, frames: dict[str, EllipsoidData]) -> None:
    compiled = compile_mechanics(small, body_frame=True, backend="aot_eager")
    for name in ("periodic", "open", "slab"):  # with grad mode on or off, one graph
        with torch.set_grad_enabled(name == "open"):
            result = compiled(frames[name])
        assert not any(x.requires_grad for x in result)
        assert_same(result, mechanics(small, frames[name], body_frame=True))
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1


@needs_compiler
def test_export(small: SmallEnergy, batches: list[Batch]) -> None:
    file = io.BytesIO()
    torch.export.save(export_energy(small, batches[0]), file)
    file.seek(0)
    energy = torch.export.load(file).module()
    for batch in batches:
        tensors = graph_tensors(small, batch)
        tensors["pos"].requires_grad_()
        energies = energy(tensors)
        torch.testing.assert_close(energies, small(batch), rtol=1e-13, atol=1e-13)
        (gradient,) = torch.autograd.grad(energies.sum(), [tensors["pos"]])
        torch.testing.assert_close(
            gradient, -mechanics(small, batch).forces, rtol=1e-12, atol=1e-13
        )
        tensors["pos"].requires_grad_(False)


@needs_compiler
def test_edges_of_too_small_a_cutoff_are_refused(
    small: SmallEnergy, frames: dict[str, EllipsoidData]
) -> None:
    with pytest.raises(ValueError, match=r"searched up to 3.0.*use data.with_edges\(4.0\)"):
        compile_mechanics(small)(frames["slab"].with_edges(3.0))


def test_older_compilers_are_refused(small: SmallEnergy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", type(torch.__version__)("2.9.1"))
    with pytest.raises(RuntimeError, match=r"torch 2.9.1 cannot compile.*use torch 2.13"):
        compile_mechanics(small)
