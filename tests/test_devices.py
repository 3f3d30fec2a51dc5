"""Layers and potentials on devices whose values are not looked at: GPUs, and the meta device.

The meta device has shapes alone, and refuses every question about a value. For GPUs, the same paths are taken
on the CPU and compared with those that look at values.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch_geometric.data import Batch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData, PowerSpectrum, tracing
from anisoap_e3nn.nn import (
    PolynomialCutoff,
    ShiftedCosine,
    TensorProduct,
    TensorProductConvolution,
    TypeLinear,
)
from anisoap_e3nn.potentials import ParticleShapes, mechanics
from common import needs_traceable_e3nn
from models_of_each_kind import MODELS, frame, with_weights

CUTOFF = 4.0
POTENTIALS = [name for name in MODELS if "embedding" not in name]
OF_VALUES = {
    "_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "masked_select", "bincount",
    "_unique2", "unique_dim", "unique_consecutive",
}  # fmt: skip


class OnlyOn(TorchDispatchMode):
    """Refuse operations that move tensors between devices, look at values, or make float64 numbers."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device = device

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        outputs = func(*args, **(kwargs or {}))
        given, made = tensors_in([*args, *(kwargs or {}).values()]), tensors_in(outputs)
        devices = {x.device.type for x in given + made}
        if self.device not in devices:
            return outputs
        name = func.overloadpacket.__name__
        assert devices == {self.device}, f"{func} has tensors on {devices}"
        assert name not in OF_VALUES, f"{func} looks at values"
        if name.startswith("index"):
            assert all(x.dtype != torch.bool for x in given[1:]), f"{func} looks at a mask"
        if self.device == "meta":
            assert all(x.dtype != torch.float64 for x in made), f"{func} makes float64 numbers"
        return outputs


def tensors_in(values: Any) -> list[Tensor]:
    """Tensors among arguments or results of an operation, in lists too."""
    if isinstance(values, Tensor):
        return [values]
    if not isinstance(values, list | tuple):
        return []
    return [x for value in values for x in tensors_in(value)]


def batch(dtype: torch.dtype = torch.float32) -> Any:
    """Two frames, one of them periodic, with edges."""
    periodic = frame(dtype)
    periodic = EllipsoidData(
        periodic.pos.flip(0), periodic.orientations, periodic.semiaxes, periodic.types,
        cell=5 * torch.eye(3, dtype=dtype), pbc=True,
    )  # fmt: skip
    return Batch.from_data_list([frame(dtype), periodic]).with_edges(CUTOFF)


@pytest.mark.parametrize("name", MODELS)
def test_models_on_the_meta_device(name: str) -> None:
    data = batch()
    expected = with_weights(name)(data)
    model, data = with_weights(name).float().to("meta"), data.to("meta")
    data.pos.requires_grad_()
    found = model(data)  # constants of functions move to the device
    assert (found.shape, found.device.type, found.dtype) == (expected.shape, "meta", torch.float32)
    with OnlyOn("meta"):
        if name not in POTENTIALS:
            model(data).sum().backward()
            return
        # a step of training; for one of the networks, since it takes a second
        result = mechanics(model, data, create_graph=name != "mace")
        if result.forces.requires_grad:
            (result.energy.sum() + result.forces.sum() + result.torques.sum()).backward()
    shapes = {"energy": (2,), "forces": (8, 3), "torques": (8, 3), "virial": (2, 3, 3)}
    assert {name: getattr(result, name).shape for name in shapes} == shapes
    assert all(x.grad is None or x.grad.is_meta for x in model.parameters())


@needs_traceable_e3nn
@pytest.mark.parametrize("name", MODELS)
def test_what_gpus_do_without_a_look_at_values(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANISOAP_E3NN_BACKEND", "torch")
    model, data = with_weights(name).double(), batch(torch.float64)

    def evaluate() -> Any:
        if name in POTENTIALS:
            return mechanics(model, data, create_graph=True)
        return model(data)

    expected = evaluate()
    monkeypatch.setattr(tracing, "_NOT_READ", {"cpu"})
    with OnlyOn("cpu"):
        found = evaluate()
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-12)


LAYERS: dict[str, tuple[Callable[[], torch.nn.Module], list[tuple[int, ...]]]] = {
    "power spectrum": (lambda: PowerSpectrum("3x0e+2x1o", l_max=1), [(5, 9)]),
    "mixed spectrum": (lambda: PowerSpectrum("2x0e+2x1o", weights=(2, "3x0e")), [(5, 8)]),
    "product": (
        lambda: TensorProduct("2x1o", "2x1o", "2x0e", [(0, 0, 0, "uuu", True)]),
        [(5, 6), (5, 6)],
    ),
    "shifted cosine": (lambda: ShiftedCosine(2.0), [(5,)]),
    "polynomial": (lambda: PolynomialCutoff(2.0), [(5,)]),
}


@needs_traceable_e3nn
@pytest.mark.parametrize("name", LAYERS)
def test_layers_on_the_meta_device(name: str) -> None:
    build, shapes = LAYERS[name]
    layer = build()
    expected = layer(*map(torch.rand, shapes))
    layer = layer.to("meta")
    inputs = [torch.rand(shape, device="meta", requires_grad=True) for shape in shapes]
    layer(*inputs)
    with OnlyOn("meta"):
        found = layer(*inputs)
        found.sum().backward()
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)


def test_layers_with_indices_on_the_meta_device() -> None:
    paths = [(0, 0, 0, "uvu", True)]
    convolve = TensorProductConvolution("2x1o", "1x1o", "2x0e", paths).to("meta")
    linear = TypeLinear("2x0e+1x1o", "1x0e+1x1o", 2).to("meta")
    shapes = ParticleShapes([6, 1], [1.0, 1.0, 0.5]).to("meta")
    data = batch().to("meta")
    n, n_edges = len(data.pos), data.num_edges
    x, y, w = (torch.rand(size, device="meta") for size in ((n, 6), (n_edges, 3), (n_edges, 2)))
    for run in range(2):
        with OnlyOn("meta") if run else torch.enable_grad():
            assert convolve(x, y, w, data.edge_index).shape == (n, 2)
            assert linear(x[:, :5], data.types).shape == (n, 4)
            assert shapes(data).semiaxes.shape == (n, 3)


def test_faulty_values_stop_a_gpu_with_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANISOAP_E3NN_BACKEND", "torch")
    monkeypatch.setattr(tracing, "_NOT_READ", {"cpu"})
    unknown, negative, low = batch(), batch(), batch()
    unknown.types = unknown.types + (unknown.types == 1)
    negative.semiaxes = negative.semiaxes.neg()
    low.edge_index = low.edge_index - 1
    together = batch()
    together.pos, together.edge_shifts = 0 * together.pos, 0 * together.edge_shifts
    for name, data, message in (
        ("embedding", unknown, r"unknown particle types.*types=\[6, 1\]"),
        ("embedding", negative, "semiaxes are negative"),
        ("pair", negative, "semiaxes are negative"),
        ("gay-berne", negative, "semiaxes are zero, negative"),
        ("nequip", together, "two particles are in the same place"),
        ("pair", together, "two particles are in the same place"),
    ):
        with pytest.raises(RuntimeError, match=message):
            with_weights(name)(data)
    embedding = with_weights("embedding")
    edges = low.edge_index, low.types, low.orientations, low.semiaxes
    with pytest.raises(RuntimeError, match="edge_index is out of range"):
        embedding(torch.ones(low.num_edges, 3), *edges)
    graph = frame().with_edges(3.0)
    with pytest.raises(RuntimeError, match="searched up to less than the cutoff 4"):
        embedding(graph)


def test_the_cutoff_of_edges_stays_on_the_cpu() -> None:
    moved = batch().to("meta")
    assert moved.pos.is_meta
    assert moved.edge_index.is_meta
    assert moved.edge_cutoff.tolist() == [CUTOFF, CUTOFF]
    with pytest.raises(ValueError, match=r"searched up to 4\.0, expected up to 5\.0"):
        AniSOAPEmbedding([6, 1], 5.0, 1, radial_gaussian_width=1.0)(moved)
