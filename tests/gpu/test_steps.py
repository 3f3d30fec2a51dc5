"""Layers, potentials and neighbour lists on an NVIDIA GPU: right, without waiting, and in CUDA graphs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.fitting import MechanicsLoss
from anisoap_e3nn.gay_berne import gay_berne_fluids
from anisoap_e3nn.graph import neighbor_list
from anisoap_e3nn.networks import MACEStylePotential, NequIPStylePotential
from anisoap_e3nn.ops import gaussian_moments, moment_exponents
from anisoap_e3nn.potentials import compile_mechanics, mechanics
from common import needs_compiler
from models_of_each_kind import MODELS, frame, with_weights
from small_networks import SMALL

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device"),
    # of torch before 2.12, whose debug mode says that it is new
    pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype:UserWarning"),
]

CUTOFF = 4.0
POTENTIALS = [name for name in MODELS if "embedding" not in name]


@contextmanager
def without_waiting() -> Iterator[None]:
    """Refuse operations that wait for the GPU."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def batch(dtype: torch.dtype) -> Any:
    periodic = frame(dtype)
    periodic = EllipsoidData(
        periodic.pos.flip(0), periodic.orientations, periodic.semiaxes, periodic.types,
        cell=5 * torch.eye(3, dtype=dtype), pbc=True,
    )  # fmt: skip
    return Batch.from_data_list([frame(dtype), periodic]).with_edges(CUTOFF)


def on_cpu(values: Any) -> list[Tensor]:
    values = [values] if isinstance(values, Tensor) else values
    return [x.detach().cpu() for x in values]


@pytest.mark.parametrize("name", MODELS)
def test_results_are_those_of_the_cpu_and_nothing_waits(name: str) -> None:
    model, data = with_weights(name).double(), batch(torch.float64)

    def evaluate(data: Any) -> list[Tensor]:
        if name not in POTENTIALS:
            return [model(data)]
        return list(mechanics(model, data))

    expected = on_cpu(evaluate(data))
    model, data = model.cuda(), data.to("cuda")
    for _ in range(3):  # kernels are compiled, also TorchScript's of e3nn, and constants copied
        evaluate(data)
    with without_waiting():
        found = evaluate(data)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a.cpu(), b, rtol=1e-10, atol=1e-11)


NETWORKS: dict[str, Callable[[], torch.nn.Module]] = {
    "nequip": lambda: NequIPStylePotential([0], 3.0, "8x0e+4x1o", **SMALL),
    "mace": lambda: MACEStylePotential([0], 3.0, 4, 1, 2, **SMALL),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_training_step_does_not_wait(name: str) -> None:
    frames = gay_berne_fluids(2, 64, n_sweeps=5)
    torch.manual_seed(0)
    model = NETWORKS[name]()
    model.standardize(frames)  # type: ignore[operator]
    loss, data = MechanicsLoss(frames), Batch.from_data_list(frames).with_edges(3.0)

    def step() -> None:
        model.zero_grad()
        loss(mechanics(model, data, create_graph=True), data).backward()

    step()
    expected = [x.grad.clone() for x in model.parameters() if x.grad is not None]
    model, loss, data = model.cuda(), loss.cuda(), data.to("cuda")
    for _ in range(3):
        step()
    with without_waiting():
        step()
    found = [x.grad.cpu() for x in model.parameters() if x.grad is not None]
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=2e-3, atol=1e-4 * float(b.abs().max()))


@pytest.mark.parametrize("name", ["pair", "gay-berne", "many-body", "perceptron", "nequip", "mace"])
def test_mechanics_in_a_cuda_graph(name: str) -> None:
    """New positions are copied into the captured ones; the results are those of a call of its own."""
    model, data = with_weights(name).float().cuda(), batch(torch.float32).to("cuda")
    other = data.pos + 0.05 * torch.randn_like(data.pos)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            mechanics(model, data)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = mechanics(model, data)
    for pos in (data.pos.clone(), other):
        data.pos.copy_(pos)
        graph.replay()
        expected = mechanics(model, data)
        for a, b in zip(result, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(b.abs().max()))


@needs_compiler
@pytest.mark.parametrize("name", ["pair", "nequip"])
def test_compiled_mechanics(name: str) -> None:
    model, data = with_weights(name).double().cuda(), batch(torch.float64).to("cuda")
    for a, b in zip(compile_mechanics(model)(data), mechanics(model, data), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [1, 40, 3000])
def test_neighbour_lists_are_those_of_the_cpu(n: int, dtype: torch.dtype) -> None:
    cell = torch.tensor([[14.0, 1, 0], [-2, 15, 1], [0, 3, 13]], dtype=dtype)
    positions = 3 * torch.randn(n, 3, dtype=dtype) @ cell
    types = torch.randint(2, (n,))
    arguments = {"cell": cell, "types": types, "pbc": [True, False, True]}
    for cutoff in (2.5, 60.0 if n < 100 else 4.0):
        expected = neighbor_list(positions, cutoff, **arguments)
        found = neighbor_list(
            positions.cuda(), cutoff, cell=cell.cuda(), types=types.cuda(), pbc=[True, False, True]
        )
        assert [x.device.type for x in found] == ["cuda", "cuda"]
        assert [x.dtype for x in found] == [torch.int64, dtype]
        centers = found[0][1]
        assert (centers.diff() >= 0).all()
        rows = [
            torch.cat([edge_index.T.cpu(), shifts.long().cpu()], 1).unique(dim=0)
            for edge_index, shifts in (found, expected)
        ]
        assert len(rows[0]) == len(centers)
        assert torch.equal(*rows)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)], ids=["f64", "f32"]
)
def test_moments_of_the_default_degree(dtype: torch.dtype, tolerance: float) -> None:
    """Degree 14 and its two derivatives, against the CPU in float64; they repeat bitwise."""
    n_edges, n, n_segments = 3000, 40, 90
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, dtype=torch.float64, generator=generator)

    A, neighbors = random(n, 3, 3), torch.randint(n, (n_edges,), generator=generator)
    segments = torch.randint(n_segments, (n_edges,), generator=generator)
    leaves = random(n_edges, 3), 0.05 * A @ A.mT, random(n).abs(), random(n_edges).abs()
    own = torch.randperm(n_segments, generator=generator)[:n]
    g = random(n_segments, len(moment_exponents(14)))

    def evaluate(device: str, dtype: torch.dtype) -> list[Tensor]:
        r, C, w, f, v = (x.to(device, dtype).requires_grad_() for x in (*leaves, g))
        indices = neighbors.to(device), segments.to(device), n_segments
        moments = gaussian_moments(r, *indices, C, w, f, own.to(device), exponent=0.7, degree=14)
        first = torch.autograd.grad(moments, [r, C, w, f], v, create_graph=True)
        total = torch.stack([x.square().mean() for x in first]).sum()
        second = torch.autograd.grad(total, [r, C, w, f, v])
        return [x.detach().cpu() for x in (moments, *first, *second)]

    found, expected = evaluate("cuda", dtype), evaluate("cpu", torch.float64)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == dtype
        if a.dim() == 3:  # of covariances, which are symmetric
            a, b = a + a.mT, b + b.mT
        assert (a.double() - b).norm() <= tolerance * b.norm()
    again = evaluate("cuda", dtype)
    assert all(torch.equal(a, b) for a, b in zip(found, again, strict=True))
