"""Potentials on an NVIDIA GPU: the CPU's numbers, without waiting for the host, captured and compiled."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn.default_dtype import default_dtype
from anisoap_e3nn.fitting import MechanicsLoss
from anisoap_e3nn.gay_berne import gay_berne_fluids, triaxial_gay_berne
from anisoap_e3nn.networks import MACEStylePotential, NequIPStylePotential
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    Mechanics,
    OneBodyPotential,
    PairPotential,
    StackedPotential,
    compile_mechanics,
    mechanics,
)

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")

DENSITY = {"max_angular": 3, "max_radial": 1, "radial_gaussian_width": 0.4}
POTENTIALS: dict[str, Callable[[], torch.nn.Module]] = {
    "pair": lambda: PairPotential([0], 3.0),
    "many-body": lambda: ManyBodyPotential([0], 3.0, 3, 1),
    "stack": lambda: StackedPotential([OneBodyPotential([0]), PairPotential([0], 3.0)]),
    "nequip": lambda: NequIPStylePotential(
        [0], 3.0, "4x0e + 4x1o + 4x2e", n_layers=2, radial_layers=[8], **DENSITY
    ),
    "mace": lambda: MACEStylePotential([0], 3.0, 4, 2, 2, n_layers=2, radial_layers=[8], **DENSITY),
}
# its pairs are found among the edges by their values, once for each graph
EVERY = {"gay-berne": lambda: triaxial_gay_berne(3.0, 0.5), **POTENTIALS}


@pytest.fixture(scope="module")
def frames() -> list[Batch]:
    with default_dtype(torch.float64):
        fluids = gay_berne_fluids(2, 64, n_sweeps=2)
    return [frame.with_edges(3.0) for frame in fluids]


def built(name: str, dtype: torch.dtype) -> torch.nn.Module:
    torch.manual_seed(0)
    with default_dtype(dtype):
        potential = EVERY[name]()
    for weights in potential.parameters():
        torch.nn.init.normal_(weights, std=0.5)
    return potential


def differentiated(potential: torch.nn.Module, data: Batch) -> list[Tensor]:
    """Energies, forces, torques and virial, and the weights' gradients of a loss on them."""
    with_graph = any(True for _ in potential.parameters())
    result = mechanics(potential, data, create_graph=with_graph)
    found = [result.energies, result.forces, result.torques, result.virial]
    if with_graph:
        loss = sum(x.square().sum() for x in found)
        found += torch.autograd.grad(loss, list(potential.parameters()), materialize_grads=True)
    return [x.detach() for x in found]


def agree(ours: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    for a, b in zip(ours, expected, strict=True):
        assert (a.cpu().double() - b.cpu().double()).norm() <= tolerance * b.norm().cpu() + 1e-12


@pytest.mark.parametrize("name", EVERY)
def test_numbers_of_the_cpu(name: str, frames: list[Batch]) -> None:
    potential, data = built(name, torch.float64), Batch.from_data_list(frames)
    expected = differentiated(potential, data)
    found = differentiated(copy.deepcopy(potential).cuda(), data.to("cuda"))
    assert all(x.is_cuda for x in found)
    agree(found, expected, 1e-10)
    agree(found, differentiated(copy.deepcopy(potential).cuda(), data.to("cuda")), 0.0)


@contextmanager
def no_synchronisation() -> Iterator[None]:
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("name", POTENTIALS)
def test_host_does_not_wait(name: str, frames: list[Batch]) -> None:
    """Neither for energies, forces and torques, nor for a step of training."""
    potential, data = built(name, torch.float32).cuda(), Batch.from_data_list(frames).float()
    data, loss = data.to("cuda"), MechanicsLoss(frames).float().cuda()
    loss(mechanics(potential, data, create_graph=True), data).backward()  # compiles kernels
    with no_synchronisation():
        mechanics(potential, data)
        loss(mechanics(potential, data, create_graph=True), data).backward()


@pytest.mark.parametrize("name", POTENTIALS)
def test_captured_in_a_graph(name: str, frames: list[Batch]) -> None:
    """Replayed with other positions in the same edges, it gives what a call gives."""
    potential, data = built(name, torch.float64).cuda(), Batch.from_data_list(frames).to("cuda")
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(2):
            mechanics(potential, data)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = mechanics(potential, data)
    data.pos.add_(0.01 * torch.randn_like(data.pos))
    graph.replay()
    found = Mechanics(*(x.clone() for x in captured))
    agree(list(found), list(mechanics(potential, data)), 1e-12)


@pytest.mark.parametrize("name", ["many-body", "nequip"])
def test_compiled(name: str, frames: list[Batch]) -> None:
    potential, data = built(name, torch.float64).cuda(), Batch.from_data_list(frames).to("cuda")
    found = compile_mechanics(potential)(data)
    agree(list(found), list(mechanics(potential, data)), 1e-11)
