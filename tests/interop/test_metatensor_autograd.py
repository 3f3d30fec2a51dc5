"""Derivatives go through conversions, and a network of e3nn learns from a TensorMap."""

import io
from typing import Any

import ase.build
import numpy as np
import pytest
import torch
from ase.calculators.emt import EMT
from e3nn import nn, o3
from torch import Tensor

from anisoap_e3nn.extras import import_metatensor, import_metatensor_torch
from anisoap_e3nn.interop.metatensor import e3nn_labels, e3nn_to_metatensor, metatensor_to_e3nn
from tensor_maps import KINDS, Kind, blocks

TORCH_KINDS = pytest.mark.parametrize("kind", KINDS[1:], ids=str)
LIBRARIES = pytest.mark.parametrize("kind", KINDS, ids=str)
KEYS = [(0, 1, 6, 1), (1, 1, 6, 1), (1, 1, 8, 1), (1, 1, 8, 6), (2, -1, 8, 1)]


def ragged(kind: Kind, values: list[Tensor]) -> Any:
    """Blocks of different samples, so that there are zeros between them."""
    all_blocks = [
        kind.block(
            x,
            kind.labels(["atom"], [k, 9][: len(x)]),
            kind.labels(["o3_mu"], np.arange(-key[0], key[0] + 1)),
            kind.labels(["n"], [0, k + 1]),
        )
        for k, (key, x) in enumerate(zip(KEYS, values, strict=True))
    ]
    names = ["o3_lambda", "o3_sigma", "center_type", "neighbor_type"]
    return kind.tensor_map(kind.labels(names, KEYS), all_blocks)


def random_values(generator: torch.Generator) -> list[Tensor]:
    return [
        torch.randn(n, 2 * key[0] + 1, 2, dtype=torch.float64, generator=generator).requires_grad_()
        for key, n in zip(KEYS, (2, 2, 1, 2, 0), strict=True)
    ]


OPTIONS = [
    {},
    {"layout": "ir_mul"},
    {"irreps": "1x1o+1x0e+4x1o+1x0e+2x2o", "layout": "ir_mul"},
]


@TORCH_KINDS
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_first_and_second_derivatives(
    kind: Kind, options: dict[str, Any], generator: torch.Generator
) -> None:
    values = random_values(generator)

    def there(*values: Tensor) -> Tensor:
        return metatensor_to_e3nn(ragged(kind, list(values)), **options)[1]

    def back(x: Tensor) -> tuple[Tensor, ...]:
        like = ragged(kind, [value.detach() for value in values])
        irreps, _ = metatensor_to_e3nn(like, **options)
        layout = options.get("layout", "mul_ir")
        found = e3nn_to_metatensor(irreps, x, like=like, layout=layout)
        return tuple(block.values for block in blocks(found))

    x = there(*values)
    assert x.requires_grad
    assert x.dtype == torch.float64
    assert torch.autograd.gradcheck(there, values, fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda *v: there(*v) ** 3, values, fast_mode=True)
    x = x.detach().requires_grad_()
    assert torch.autograd.gradcheck(back, x, fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda x: tuple(v**3 for v in back(x)), x, fast_mode=True)
    # the transpose of an isometry brings the very values back
    (norm := there(*values).square().sum() / 2).backward()
    assert float(norm.detach()) > 0
    for value in values:
        torch.testing.assert_close(value.grad, value.detach())


@LIBRARIES
def test_what_needs_no_derivative_has_none(kind: Kind, generator: torch.Generator) -> None:
    values = [x.detach() for x in random_values(generator)]
    given: list[Any] = [x.numpy() for x in values] if kind.values == "numpy" else values
    tensor_map = ragged(kind, given)
    irreps, x = metatensor_to_e3nn(tensor_map)
    assert not x.requires_grad
    weighted = e3nn_to_metatensor(irreps, 2 * x.requires_grad_(), like=tensor_map)
    for block, value in zip(blocks(weighted), values, strict=True):
        assert isinstance(block.values, Tensor)  # an array could not keep the history
        torch.testing.assert_close(block.values, 2 * value)
        assert block.values.requires_grad


@TORCH_KINDS
def test_some_blocks_have_a_history(kind: Kind, generator: torch.Generator) -> None:
    values = random_values(generator)
    mixed = [x.detach() if k % 2 else x for k, x in enumerate(values)]
    _, x = metatensor_to_e3nn(ragged(kind, mixed))
    x.sum().backward()
    assert [value.grad is not None for value in values] == [True, False, True, False, True]


class Energy(torch.nn.Module):
    """Irreps of atoms to energies of frames."""

    def __init__(self, irreps_in: o3.Irreps) -> None:
        super().__init__()
        scalars, gates, gated = (o3.Irreps(i) for i in ("16x0e", "16x0e", "8x1o+8x2e"))
        act = [torch.nn.functional.silu]
        self.gate = nn.Gate(scalars, act, gates, [torch.sigmoid], gated)
        self.first = o3.Linear(irreps_in, self.gate.irreps_in)
        hidden = self.gate.irreps_out
        self.norms = o3.Norm(hidden)
        self.last = torch.nn.Linear(self.norms.irreps_out.dim, 1)

    def forward(self, batch: Any) -> Tensor:
        energies = self.last(self.norms(self.gate(self.first(batch.x)))).squeeze(1)
        return energies.new_zeros(batch.num_graphs).index_add(0, batch.batch, energies)


@pytest.mark.parametrize("library", ["metatensor", "metatensor.torch"])
def test_a_network_learns_from_a_tensor_map(library: str, float64_by_default: None) -> None:
    """Energies of distorted molecules, from featomic's expansion in batches of torch-geometric."""
    featomic = pytest.importorskip("featomic", reason="featomic is not installed")
    pytest.importorskip("torch_geometric", reason="torch-geometric is not installed")
    from torch_geometric.data import Data
    from torch_geometric.loader import DataLoader

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    frames = [ase.build.molecule(name) for name in ("H2O", "CH3OH", "CH4", "H2O2") * 8]
    for frame in frames:
        frame.positions += rng.normal(scale=0.05, size=frame.positions.shape)
        frame.calc = EMT()
    energies = torch.tensor([frame.get_potential_energy() / len(frame) for frame in frames])
    energies = (energies - energies.mean()) / energies.std()

    def tensor_map(frames: list[ase.Atoms]) -> Any:
        found = featomic.SphericalExpansion(
            cutoff={"radius": 3.0, "smoothing": {"type": "ShiftedCosine", "width": 0.5}},
            density={"type": "Gaussian", "width": 0.3},
            basis={
                "type": "TensorProduct",
                "max_angular": 2,
                "radial": {"type": "Gto", "max_radial": 2},
            },
        ).compute(frames)
        return found if library == "metatensor" else as_torchscript(found)

    features = tensor_map(frames)
    irreps, x = metatensor_to_e3nn(features)
    system = torch.tensor(e3nn_labels(features)[0].column("system").tolist())
    data = [Data(x=x[system == k], y=energies[k : k + 1]) for k in range(len(frames))]
    model = Energy(irreps)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    losses = []
    for _ in range(20):
        total = 0.0
        for batch in DataLoader(data, batch_size=8, shuffle=True):
            loss = (model(batch) - batch.y).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) / 4
        losses.append(total)
    assert losses[-1] < 0.3 * losses[0]
    assert losses[-1] < 0.5  # the variance, which a constant would reach, is 1

    turned = [frame.copy() for frame in frames[:4]]
    for frame in turned:
        frame.rotate(50, (1, 2, -1))
    _, y = metatensor_to_e3nn(tensor_map(turned))
    assert y.shape == (len(x[system < 4]), irreps.dim)
    (before, after) = (
        next(iter(DataLoader([Data(x=z[s == k]) for k in range(4)], batch_size=4)))
        for z, s in ((x, system), (y, system[system < 4]))
    )
    torch.testing.assert_close(model(after), model(before), rtol=1e-8, atol=1e-8)


def as_torchscript(tensor_map: Any) -> Any:
    buffer = io.BytesIO()
    import_metatensor().save(buffer, tensor_map)
    saved = torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)
    return import_metatensor_torch().load_buffer(saved)
