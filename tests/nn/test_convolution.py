"""Convolutions over edges against e3nn's tensor products."""

import pytest
import torch
from e3nn import o3
from torch import Tensor

from anisoap_e3nn.nn import TensorProductConvolution

FEATURES = o3.Irreps("4x0e + 3x1o + 5x2e + 3x1e")
HARMONICS = o3.Irreps.spherical_harmonics(2)


def product_of_e3nn(irrep_normalization: str = "component") -> o3.TensorProduct:
    """All paths to l ≤ 2 in random order, several of them to one entry."""
    irreps_out = o3.Irreps([(mul, (l, p)) for mul in (3, 4, 5) for l in range(3) for p in (1, -1)])
    instructions = [
        (i, j, k, "uvu", True, 1.0 + 0.1 * i)
        for k, (mul_out, ir_out) in enumerate(irreps_out)
        for i, (mul, ir_1) in enumerate(FEATURES)
        for j, (_, ir_2) in enumerate(HARMONICS)
        if mul == mul_out and ir_out in ir_1 * ir_2
    ]
    return o3.TensorProduct(
        FEATURES,
        HARMONICS,
        irreps_out,
        instructions,
        irrep_normalization=irrep_normalization,
        internal_weights=False,
        shared_weights=False,
    )


def messages_of_e3nn(
    product: o3.TensorProduct, x: Tensor, y: Tensor, w: Tensor, edge_index: Tensor
) -> Tensor:
    messages = product(x[edge_index[0]], y, w)
    return messages.new_zeros(len(x), messages.shape[1]).index_add(0, edge_index[1], messages)


def random_inputs(product: o3.TensorProduct) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    x, y, w = (
        torch.randn(shape, dtype=torch.float64, generator=generator)
        for shape in ((6, FEATURES.dim), (20, HARMONICS.dim), (20, product.weight_numel))
    )
    return x, y, w, torch.randint(6, (2, 20), generator=generator)


@pytest.mark.usefixtures("float64_by_default")
@pytest.mark.parametrize("normalization", ["component", "norm"])
def test_the_sums_of_e3nn(backend: str, normalization: str) -> None:
    """Directed edges: with neighbours and centres exchanged the sums would be others."""
    theirs = product_of_e3nn(normalization)
    ours = TensorProductConvolution.from_e3nn(theirs)
    inputs = random_inputs(theirs)
    assert ours.weight_numel == theirs.weight_numel
    torch.testing.assert_close(
        ours(*inputs), messages_of_e3nn(theirs, *inputs), rtol=1e-12, atol=1e-12
    )
    without_paths = TensorProductConvolution(FEATURES, HARMONICS, theirs.irreps_out, [])
    assert not without_paths(*inputs[:2], inputs[2][:, :0], inputs[3]).any()


@pytest.mark.compiler
def test_compiled_and_exported() -> None:
    theirs = product_of_e3nn()
    layer = TensorProductConvolution.from_e3nn(theirs)
    inputs = random_inputs(theirs)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    x, y, w, edge_index = inputs
    for n in (20, 15, 7):
        few = (x.clone().requires_grad_(), y[:n], w[:n], edge_index[:, :n])
        torch.testing.assert_close(compiled(*few), layer(*few), rtol=1e-13, atol=1e-13)
        (ours,) = torch.autograd.grad(compiled(*few).square().sum(), few[0])
        (eager,) = torch.autograd.grad(layer(*few).square().sum(), few[0])
        torch.testing.assert_close(ours, eager, rtol=1e-12, atol=1e-12)
    edge = torch.export.Dim("edge", min=2)
    shapes = (None, {0: edge}, {0: edge}, {1: edge})
    exported = torch.export.export(layer, inputs, dynamic_shapes=shapes).module()
    few = (x, y[:9], w[:9], edge_index[:, :9])
    torch.testing.assert_close(exported(*few), layer(*few), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        ((0, 0, 0, "uvu", False), r"'uvu', no weights and 1 channels of y"),
        ((0, 0, 0, "uuu", True), r"the multiplicities are 4, 1 and 4"),
        ((0, 1, 0, "uvu", True), r"0e ⊗ 1o is 1o, not 0e"),
    ],
)
def test_instructions_that_do_not_fit(instruction: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TensorProductConvolution(FEATURES, HARMONICS, "4x0e", [instruction])


def test_products_that_are_no_convolutions() -> None:
    many = o3.TensorProduct(
        "2x0e",
        "3x0e",
        "2x0e",
        [(0, 0, 0, "uvu", True)],
        shared_weights=False,
        internal_weights=False,
    )
    with pytest.raises(ValueError, match=r"weights and 3 channels of y, expected 'uvu'"):
        TensorProductConvolution.from_e3nn(many)
    shared = o3.TensorProduct("2x0e", "0e", "2x0e", [(0, 0, 0, "uvu", True)])
    with pytest.raises(ValueError, match=r"expected shared_weights=False"):
        TensorProductConvolution.from_e3nn(shared)
