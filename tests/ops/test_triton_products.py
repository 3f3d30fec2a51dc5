"""Sparse products on the triton backend, compared with the torch backend.

They run on the GPU, or, with TRITON_INTERPRET=1, in Triton's interpreter on the CPU.
"""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from anisoap_e3nn.clebsch_gordan import real_clebsch_gordan
from anisoap_e3nn.nn.layout import Entry, paths_between
from anisoap_e3nn.ops import (
    Block,
    Path,
    ProductPlan,
)
from anisoap_e3nn.ops.backends import sparse_reference, triton_products, triton_source
from anisoap_e3nn.ops.backends.product_parts import COEFFICIENTS, Limits, divide, read_program

DEVICE = "cpu" if triton_source.interpreted else "cuda"
needs_triton = pytest.mark.skipif(
    not triton_source.interpreted
    and (bool(triton_source.unavailable) or not torch.cuda.is_available()),
    reason="there is no GPU and TRITON_INTERPRET is not 1, or triton is not installed",
)
DTYPES = pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 3e-5)], ids=["f64", "f32"]
)


def coupled(
    mul1: int, mul2: int, l: tuple[int, int, int], channels: str, layout: str
) -> ProductPlan:
    """The plan of one coupling. x2 has one channel for all of x1 in "shared" and, with a sum, in "sums"."""
    l1, l2, l3 = l
    table = real_clebsch_gordan(*l)
    x1 = Entry.at(0, mul1, 2 * l1 + 1, layout)
    x2 = Entry.at(0, mul2, 2 * l2 + 1, layout)
    n_pairs = {"uvuv": mul1 * mul2, "uvu<v": mul1 * (mul1 - 1) // 2, "sums": 1, "uuw": 1}
    mul_out = n_pairs.get(channels, mul1)
    out = Entry.at(0, mul_out, 2 * l3 + 1, layout)
    if channels in ("sums", "shared"):
        to = out.block(v=int(channels == "shared"))
        columns = [column.tolist() for column in table]
        paths = [Path(x1.block(v=1), x2.block(), to, 1, mul1, *columns)]
    else:
        paths = paths_between(x1, x2, out, channels, table)
    return ProductPlan(tuple(paths), (out.end, x1.end, x2.end))


def random_inputs(
    plan: ProductPlan, n_batch: int, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor]:
    rng = np.random.default_rng(n_batch)
    x1, x2 = (
        torch.from_numpy(rng.normal(size=(n_batch, dim))).to(DEVICE, dtype) for dim in plan.dims[1:]
    )
    coefficients = [value for path in plan.paths for value in path.coefficients]
    return x1, x2, torch.tensor(coefficients, dtype=dtype, device=DEVICE)


def require_same(plan: ProductPlan, n_batch: int, dtype: torch.dtype, tolerance: float) -> None:
    """The product and its first and second derivatives are those of the definition."""
    inputs = random_inputs(plan, n_batch, dtype)
    results = []
    for backend, given in (
        (triton_products, inputs),
        (sparse_reference, tuple(x.double() for x in inputs)),
    ):
        generator = torch.Generator().manual_seed(0)
        x = [tensor.clone().requires_grad_() for tensor in given]
        out = backend.sparse_product(*x, plan)

        def random_like(tensor: Tensor, generator: torch.Generator = generator) -> Tensor:
            return torch.randn(tensor.shape, dtype=torch.float64, generator=generator).to(tensor)

        g = random_like(out).requires_grad_()
        first = torch.autograd.grad((out * g).sum(), x, create_graph=True)
        scalar = torch.stack([(d * random_like(d)).sum() for d in first]).sum()
        second = torch.autograd.grad(scalar, [*x, g], materialize_grads=True)
        results.append([out, *first, *second])
    for ours, theirs in zip(*results, strict=True):
        assert ours.dtype == dtype
        scale = float(theirs.detach().abs().max()) if theirs.numel() else 0.0
        torch.testing.assert_close(ours.double(), theirs, rtol=0, atol=tolerance * (1 + scale))


@needs_triton
@DTYPES
@pytest.mark.parametrize("layout", ["mul_ir", "ir_mul"])
@pytest.mark.parametrize("channels", ["uuu", "uvuv", "uuw", "uvu<v", "sums", "shared"])
def test_channels(channels: str, layout: str, dtype: torch.dtype, tolerance: float) -> None:
    mul2 = {"sums": 1, "shared": 1, "uvuv": 3}.get(channels, 5)
    require_same(coupled(5, mul2, (1, 2, 1), channels, layout), 7, dtype, tolerance)


@needs_triton
@pytest.mark.parametrize("channels", ["uuu", "sums", "uvuv"])
@pytest.mark.parametrize("mul", [1, 32, 64, 66])
def test_whole_tiles_and_parts_of_them(mul: int, channels: str) -> None:
    mul2 = {"sums": 1, "uvuv": 2}.get(channels, mul)
    layout = "mul_ir" if mul % 3 else "ir_mul"
    require_same(coupled(mul, mul2, (1, 1, 1), channels, layout), 2, torch.float64, 1e-11)


@needs_triton
@DTYPES
def test_large_blocks(dtype: torch.dtype, tolerance: float) -> None:
    """Blocks that are read by rows."""
    require_same(coupled(3, 3, (2, 4, 4), "uuu", "mul_ir"), 2, dtype, tolerance)


@needs_triton
@pytest.mark.parametrize("sizes", [(0, 4), (3, 0), (5, 2)])
def test_nothing_to_multiply(sizes: tuple[int, int]) -> None:
    """No batch, no channels, no paths."""
    n_batch, mul = sizes
    plan = coupled(mul, mul, (1, 1, 1), "uuu", "mul_ir")
    require_same(plan, n_batch, torch.float64, 1e-12)
    x = random_inputs(plan := ProductPlan((), (7, 4, 2)), n_batch)
    x[0].requires_grad_()
    out = triton_products.sparse_product(*x, plan)
    assert torch.equal(out, torch.zeros(n_batch, 7).to(x[0]))
    (gradient,) = torch.autograd.grad(out.sum(), x[0])
    assert torch.equal(gradient, torch.zeros(n_batch, 4).to(x[0]))


@needs_triton
def test_positions_that_several_paths_share() -> None:
    """Blocks that overlap, each in another way, and positions that no path writes."""
    blocks = Block(1, 3, 1, 2, 1), Block(0, 3, 3, 0, 1), Block(5, 3, 1, 1, 0)
    m, coefficients = [[0, 1, 2, 2], [2, 0, 1, 2], [1, 1, 0, 2]], [1.0, 0.5, -2.0, 3.0]
    paths = [
        Path(blocks[i], blocks[j], blocks[k], n_u, n_v, *m, coefficients)
        for i, j, k, n_u, n_v in (
            (0, 1, 2, 2, 3),
            (1, 2, 0, 3, 2),
            (2, 0, 1, 3, 1),
            (0, 0, 0, 2, 3),
        )
    ]
    require_same(ProductPlan(tuple(paths), (14, 13, 12)), 5, torch.float64, 1e-12)


@needs_triton
def test_derivatives_by_finite_differences() -> None:
    plan = coupled(2, 2, (1, 1, 1), "uvuv", "mul_ir")
    inputs = tuple(x.requires_grad_() for x in random_inputs(plan, 1))
    assert gradcheck(lambda *x: triton_products.sparse_product(*x, plan), inputs, fast_mode=True)
    assert gradgradcheck(
        lambda *x: triton_products.sparse_product(*x, plan), inputs, fast_mode=True
    )


def test_parts_have_all_terms_and_fit() -> None:
    plan = coupled(4, 3, (4, 5, 6), "uvuv", "mul_ir")
    product = read_program(plan.program.tolist())
    assert [len(c.terms) for c in product.couplings] == [len(plan.paths[0].coefficients)]
    for target in range(COEFFICIENTS + 1):
        parts = divide(product, target, Limits(components=20, terms=30)).parts
        assert all(part.working_set() <= 20 and part.n_terms <= 30 for part in parts)
        terms = [term for part in parts for c in part.couplings for term in c.terms]
        assert sorted(terms) == sorted(product.couplings[0].terms)
