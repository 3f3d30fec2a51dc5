"""Tensor products against e3nn's, and what holds for them without it."""

import random
from typing import Any

import pytest
import torch
from e3nn import o3
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from anisoap_e3nn.nn import FullTensorProduct, TensorProduct, TensorSquare
from common import needs_compiler, needs_native, needs_traceable_e3nn

FULLY_CONNECTED = [
    (i_1, i_2, i_out, "uvw", True)
    for i_1, i_2, i_out in [(0, 0, 0), (1, 1, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)]
]


@pytest.fixture(autouse=True)
def _seeded(float64_by_default: None) -> None:
    torch.manual_seed(3)


def random_arguments(seed: int) -> dict[str, Any]:
    """Irreps of up to l = 3 with both parities, instructions of every mode and all normalizations."""
    rng = random.Random(seed)
    in1, in2, out, instructions = [], [], [], []
    for i in range(4):
        mode = rng.choice(["uvw", "uvu", "uvv", "uuw", "uuu", "uvuv", "uvu<v", "u<vw"])
        has_weight = mode in ("uvw", "u<vw") or (mode != "uvu<v" and rng.random() < 0.6)
        ir_1, ir_2 = (o3.Irrep(rng.randint(0, 3), rng.choice([-1, 1])) for _ in range(2))
        ir = rng.choice(list(ir_1 * ir_2))
        u, v, w = (rng.randint(1, 4) for _ in range(3))
        u, v, w = {
            "uvw": (u, v, w),
            "uvu": (u, v, u),
            "uvv": (u, v, v),
            "uuw": (u, u, w if has_weight else 1),
            "uuu": (u, u, u),
            "uvuv": (u, v, u * v),
            "uvu<v": (u + 1, u + 1, (u + 1) * u // 2),
            "u<vw": (u + 1, u + 1, w),
        }[mode]
        in1.append((u, ir_1))
        in2.append((v, ir_2))
        out.append((w, ir))
        factors = [
            0.1 + rng.random() for _ in range(rng.randint(1, 2))
        ]  # paths to one output add up
        instructions += [(i, i, i, mode, has_weight, factor) for factor in factors]
    return {
        "irreps_in1": in1,
        "irreps_in2": in2,
        "irreps_out": out,
        "instructions": instructions,
        "in1_var": [0.1 + rng.random() for _ in in1],
        "in2_var": [0.1 + rng.random() for _ in in2],
        "out_var": [rng.random() for _ in out],
        "irrep_normalization": rng.choice(["component", "norm", "none"]),
        "path_normalization": rng.choice(["element", "path", "none"]),
        "shared_weights": rng.random() < 0.5,
        "internal_weights": False,
    }


def random_irreps(rng: random.Random) -> o3.Irreps:
    return o3.Irreps(
        [(rng.randint(1, 3), (rng.randint(0, 3), rng.choice([-1, 1]))) for _ in range(3)]
    )


def assert_same(a: Tensor, b: Tensor, tolerance: float = 1e-12) -> None:
    assert a.shape == b.shape
    assert (a - b).abs().max() <= tolerance * b.abs().max().clamp(min=1)


@pytest.mark.parametrize("seed", range(12))
def test_random_instructions(backend: str, seed: int) -> None:
    arguments = random_arguments(seed)
    theirs, ours = o3.TensorProduct(**arguments), TensorProduct(**arguments)
    assert repr(ours) == repr(theirs)
    assert ours.weight_numel == theirs.weight_numel
    x1 = theirs.irreps_in1.randn(4, 1, -1, requires_grad=True)
    x2 = theirs.irreps_in2.randn(1, 3, -1, requires_grad=True)
    weight = torch.randn(*([] if ours.shared_weights else [3]), ours.weight_numel)
    inputs = [x1, x2] + [weight.requires_grad_()] * (ours.weight_numel > 0)
    a, b = ours(x1, x2, weight), theirs(x1, x2, weight)
    assert_same(a, b)
    cotangent = torch.randn_like(a)
    of_ours, of_theirs = (torch.autograd.grad(z, inputs, cotangent) for z in (a, b))
    for gradient, reference in zip(of_ours, of_theirs, strict=True):
        assert_same(gradient, reference)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("filter_ir_out", [None, ["0e", "1o", "2e", "2o"]], ids=["all", "some"])
def test_full_products(backend: str, seed: int, filter_ir_out: list[str] | None) -> None:
    rng = random.Random(seed)
    irreps1, irreps2 = random_irreps(rng), random_irreps(rng)
    options = {"irrep_normalization": rng.choice(["component", "norm", "none"])}
    x1, x2 = irreps1.randn(5, -1), irreps2.randn(5, -1)
    full = FullTensorProduct(irreps1, irreps2, filter_ir_out, **options)
    theirs = o3.FullTensorProduct(irreps1, irreps2, filter_ir_out, **options)
    assert (full.irreps_out, repr(full)) == (theirs.irreps_out, repr(theirs))
    assert_same(full(x1, x2), theirs(x1, x2))

    square = TensorSquare(irreps1, filter_ir_out, **options)
    theirs = o3.TensorSquare(irreps1, filter_ir_out=filter_ir_out, **options)
    assert (square.irreps_out, repr(square)) == (theirs.irreps_out, repr(theirs))
    assert_same(square(x1), theirs(x1))


def test_default_weights_and_normalizations(backend: str) -> None:
    theirs = o3.FullyConnectedTensorProduct("3x0e + 4x1o", "2x0e + 3x1o", "2x0e + 2x1o + 2x1e")
    arguments = [tuple(ins[:5]) for ins in theirs.instructions]
    ours = TensorProduct(theirs.irreps_in1, theirs.irreps_in2, theirs.irreps_out, arguments)
    ours.load_state_dict({"weight": theirs.weight})
    x1, x2 = theirs.irreps_in1.randn(6, -1), theirs.irreps_in2.randn(6, -1)
    assert_same(ours(x1, x2), theirs(x1, x2))


@pytest.mark.parametrize(
    "theirs",
    [
        lambda: o3.FullyConnectedTensorProduct("3x0e + 4x1o", "2x0e + 1o", "2x0e + 2x1o + 2x1e"),
        lambda: o3.ElementwiseTensorProduct("3x0e + 4x1o", "2x2e + 5x1o"),
    ],
    ids=["fully_connected", "elementwise"],
)
def test_made_from_one_of_e3nn(backend: str, theirs: Any) -> None:
    theirs = theirs()
    ours = TensorProduct.from_e3nn(theirs)
    x1, x2 = theirs.irreps_in1.randn(6, -1), theirs.irreps_in2.randn(6, -1)
    assert_same(ours(x1, x2), theirs(x1, x2))
    assert theirs.weight_numel == 0 or ours.weight is theirs.weight


@pytest.mark.parametrize("seed", range(6))
def test_channels_last(backend: str, seed: int) -> None:
    arguments = random_arguments(seed)
    product = TensorProduct(**arguments)
    transposed = TensorProduct(**arguments, layout="ir_mul")
    x1, x2 = product.irreps_in1.randn(4, -1), product.irreps_in2.randn(4, -1)
    weight = torch.randn(*([] if product.shared_weights else [4]), product.weight_numel)
    out = transposed(ir_mul(x1, product.irreps_in1), ir_mul(x2, product.irreps_in2), weight)
    assert_same(out, ir_mul(product(x1, x2, weight), product.irreps_out))


def ir_mul(x: Tensor, irreps: o3.Irreps) -> Tensor:
    return torch.cat(
        [
            x[..., where].unflatten(-1, (mul, ir.dim)).mT.flatten(-2)
            for (mul, ir), where in zip(irreps, irreps.slices(), strict=True)
        ],
        dim=-1,
    )


@pytest.mark.parametrize("improper", [False, True], ids=["rotation", "rotation_inversion"])
def test_equivariance(backend: str, improper: bool) -> None:
    square = TensorSquare("2x0e + 2x0o + 3x1o + 2x2o + 1x3o")
    R = o3.rand_matrix() * (-1 if improper else 1)
    x = square.irreps_in.randn(3, -1)
    turned = square(x @ square.irreps_in.D_from_matrix(R).T)
    assert_same(turned, square(x) @ square.irreps_out.D_from_matrix(R).T)


@pytest.mark.parametrize("mode", ["uvw", "uvu", "uvv", "uuu", "uvuv"])
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
def test_first_and_second_derivatives(backend: str, mode: str, shared: bool) -> None:
    mul_out = {"uvw": 1, "uvuv": 4}.get(mode, 2)
    product = TensorProduct(
        "2x1o", "2x1o", f"{mul_out}x1e", [(0, 0, 0, mode, True)], None, shared_weights=shared,
        internal_weights=False,
    )  # fmt: skip
    weight = torch.randn(*([] if shared else [2]), product.weight_numel)
    inputs = torch.randn(2, 6), torch.randn(2, 6), weight
    for tensor in inputs:
        tensor.requires_grad_()
    assert torch.autograd.gradcheck(product, inputs)
    assert torch.autograd.gradgradcheck(product, inputs)


class LargestResult(TorchDispatchMode):
    """Remembers the size of the largest tensor that anything returns."""

    numel = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any, kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        for each in result if isinstance(result, tuple | list) else [result]:
            if isinstance(each, Tensor):
                self.numel = max(self.numel, each.numel())
        return result


def connected_product(**options: Any) -> TensorProduct:
    irreps_in, irreps_out = "8x0e + 8x1o", "8x0e + 8x1o + 8x1e"
    return TensorProduct(irreps_in, irreps_in, irreps_out, FULLY_CONNECTED, **options)


def test_memory_and_pieces(backend: str) -> None:
    """The pairs of 8 x 8 channels would be many times as large as inputs and output."""
    product = connected_product()
    in1, in2, n = product.irreps_in1, product.irreps_in2, 100
    x1, x2 = in1.randn(n, -1, requires_grad=True), in2.randn(n, -1, requires_grad=True)
    inputs = x1, x2, product.weight
    with LargestResult() as largest:
        out = product(x1, x2)
        gradients = torch.autograd.grad(out.square().sum(), inputs)
    assert largest.numel <= x1.numel() + x2.numel() + out.numel()

    product._n_chunks = 1
    with LargestResult() as largest:
        at_once = product(x1, x2)
    assert largest.numel > 4 * (x1.numel() + x2.numel() + out.numel())
    assert_same(out, at_once)
    for a, b in zip(gradients, torch.autograd.grad(at_once.square().sum(), inputs), strict=True):
        assert_same(a, b)


def test_derivatives_in_pieces(backend: str) -> None:
    instructions = [(0, 0, 0, "uvw", True), (1, 1, 0, "uvw", True)]
    product = TensorProduct("2x0e + 2x1o", "2x0e + 2x1o", "1x0e", instructions)
    product._n_chunks = 2
    x = product.irreps_in1.randn(2, -1, requires_grad=True)
    y = product.irreps_in2.randn(2, -1, requires_grad=True)
    weight = product.weight.detach().requires_grad_()
    assert torch.autograd.gradcheck(product, (x, y, weight))
    assert torch.autograd.gradgradcheck(product, (x, y, weight))


@pytest.mark.compiler
@needs_compiler
@needs_traceable_e3nn
@needs_native
def test_compiled() -> None:
    """Without a break in the graph, derivatives included."""
    product = TensorProduct("2x0e+2x1o", "1x0e+1x1o", "2x0e+2x1o+2x2e", FULLY_CONNECTED)
    compiled = torch.compile(product, fullgraph=True, backend="aot_eager")
    x, y = torch.randn(5, 8, requires_grad=True), torch.randn(5, 4, requires_grad=True)
    torch.testing.assert_close(compiled(x, y), product(x, y), rtol=1e-12, atol=1e-12)
    variables = (x, y, *product.parameters())
    gradients = torch.autograd.grad(compiled(x, y).square().sum(), variables)
    expected = torch.autograd.grad(product(x, y).square().sum(), variables)
    torch.testing.assert_close(gradients, expected, rtol=1e-12, atol=1e-12)


def test_single_precision(backend: str) -> None:
    product = connected_product()
    x1, x2 = product.irreps_in1.randn(20, -1), product.irreps_in2.randn(20, -1)
    expected = product(x1, x2)
    out = product.float()(x1.float(), x2.float())
    assert out.dtype == torch.float32
    assert_same(out.double(), expected, 1e-5)


@pytest.mark.parametrize("leading", [(), (0,), (1,), (2, 0, 3), (2, 3)], ids=str)
def test_leading_dimensions(backend: str, leading: tuple[int, ...]) -> None:
    product = connected_product()
    x1, x2 = product.irreps_in1.randn(*leading, -1), product.irreps_in2.randn(*leading, -1)
    out = product(x1, x2)
    assert out.shape == (*leading, product.irreps_out.dim)
    flat = product(x1.reshape(-1, x1.shape[-1]), x2.reshape(-1, x2.shape[-1]))
    torch.testing.assert_close(out.flatten(), flat.flatten())


def test_without_channels_or_paths(backend: str) -> None:
    product = TensorProduct("0x0e + 2x1o", "1o", "0x1o + 2x1e", [(0, 0, 0, "uvu", True)])
    assert product.weight_numel == 0
    x1, x2 = product.irreps_in1.randn(3, -1), product.irreps_in2.randn(3, -1)
    assert torch.equal(product(x1, x2), torch.zeros(3, 6))


def test_state_dict() -> None:
    product, other = connected_product(), connected_product()
    assert set(product.state_dict()) == {"weight"}
    other.load_state_dict(product.state_dict())
    assert torch.equal(product.weight, other.weight)
    assert connected_product(shared_weights=False).state_dict() == {}
