"""Sparse products between irreps, and their derivatives, on both backends."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from anisoap_e3nn.ops import Block, Path, ProductPlan, SparseProduct, sparse_product
from anisoap_e3nn.ops.backends import sparse_native
from common import by_number_of_threads, needs_compiler, needs_native

DIM = 60


def by_loops(x1: Tensor, x2: Tensor, coefficients: Tensor, plan: ProductPlan) -> Tensor:
    """The formula, term by term."""
    out = torch.zeros(x1.shape[0], plan.dims[0], dtype=x1.dtype)
    C = iter(coefficients)

    def place(block: Block, u: int, v: int, m: int) -> int:
        steps = u * block.stride_u + v * block.stride_v + m * block.component_stride
        return block.offset + steps

    for path in plan.paths:
        for m1, m2, m3 in zip(path.m1, path.m2, path.m3, strict=True):
            c = next(C)
            for u, v in product(range(path.n_u), range(path.n_v)):
                a, b = x1[:, place(path.x1, u, v, m1)], x2[:, place(path.x2, u, v, m2)]
                out[:, place(path.out, u, v, m3)] += c * a * b
    return out


def random_block(rng: np.random.Generator, n_u: int, n_v: int) -> Block:
    """Components first or last, with or without channels u and v; sometimes with gaps between them."""
    d = int(rng.integers(1, 6))
    has_u, has_v = rng.random(2) < 0.7
    u, v = (n_u if has_u else 1), (n_v if has_v else 1)
    strides = (1, v * d, d) if rng.random() < 0.5 else (u * v, v, 1)
    gap = int(rng.integers(1, 3)) if u * v * d * 2 <= DIM else 1
    component, stride_u, stride_v = (gap * stride for stride in strides)
    block = Block(0, d, component, stride_u if has_u else 0, stride_v if has_v else 0)
    return block._replace(offset=int(rng.integers(0, DIM - block.last(n_u, n_v))))


def random_plan(rng: np.random.Generator, n_paths: int) -> ProductPlan:
    paths: list[Path] = []
    for _ in range(n_paths):
        n_u, n_v = int(rng.integers(1, 4)), int(rng.integers(1, 5))
        blocks = [random_block(rng, n_u, n_v) for _ in range(3)]
        if paths and rng.random() < 0.3:  # channels and output of another path
            n_u, n_v = paths[-1].n_u, paths[-1].n_v
            blocks = [random_block(rng, n_u, n_v), random_block(rng, n_u, n_v), paths[-1].out]
        n = int(rng.integers(0, 8))
        m = [rng.integers(0, block.components, n).tolist() for block in blocks]
        paths.append(Path(*blocks, n_u, n_v, *m, rng.normal(size=n).tolist()))
    return ProductPlan(tuple(paths), (DIM, DIM, DIM))


def random_inputs(
    rng: np.random.Generator, plan: ProductPlan, n_batch: int, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor]:
    x1, x2 = (torch.from_numpy(rng.normal(size=(n_batch, dim))).to(dtype) for dim in plan.dims[1:])
    coefficients = [value for path in plan.paths for value in path.coefficients]
    return x1, x2, torch.tensor(coefficients, dtype=dtype)


def derivatives(
    inputs: tuple[Tensor, Tensor, Tensor], plan: ProductPlan, backend: str
) -> list[Tensor]:
    """The product, ∂⟨g, product⟩/∂x, ∂⟨v, that⟩/∂(x, g), for random g and v."""
    generator = torch.Generator().manual_seed(1)
    x = [tensor.detach().clone().requires_grad_() for tensor in inputs]
    out = sparse_product(x[0], x[1], x[2], plan, backend)
    g = torch.randn(out.shape, dtype=torch.float64, generator=generator).to(out).requires_grad_()
    first = torch.autograd.grad((out * g).sum(), x, create_graph=True)
    v = [torch.randn(d.shape, dtype=torch.float64, generator=generator).to(d) for d in first]
    scalar = torch.stack([(d * t).sum() for d, t in zip(first, v, strict=True)]).sum()
    second = torch.autograd.grad(scalar, [*x, g], materialize_grads=True)
    return [tensor.detach() for tensor in (out, *first, *second)]


@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_torch_backend_is_the_formula(seed: int, n_paths: int, n_batch: int) -> None:
    rng = np.random.default_rng(seed)
    plan = random_plan(rng, n_paths)
    inputs = random_inputs(rng, plan, n_batch)
    ours = sparse_product(*inputs, plan, backend="torch")
    torch.testing.assert_close(ours, by_loops(*inputs, plan), rtol=1e-12, atol=1e-13)


@needs_native
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 3e-5)], ids=["f64", "f32"]
)
def test_native_is_the_definition(
    instruction_set: str, dtype: torch.dtype, tolerance: float
) -> None:
    """Any mixture of layouts, shared and summed channels, to the second derivatives."""

    @given(st.integers(0, 2**32), st.integers(1, 5), st.integers(0, 100))
    @settings(max_examples=40, deadline=None)
    def check(seed: int, n_paths: int, n_batch: int) -> None:
        rng = np.random.default_rng(seed)
        plan = random_plan(rng, n_paths)
        inputs = random_inputs(rng, plan, n_batch, dtype)
        ours = derivatives(inputs, plan, "native")
        doubles = tuple(tensor.double() for tensor in inputs)
        theirs = derivatives(doubles, plan, "torch")  # type: ignore[arg-type]
        for a, b in zip(ours, theirs, strict=True):
            assert a.dtype == dtype
            scale = float(b.abs().max()) if b.numel() else 0.0
            torch.testing.assert_close(a.double(), b, rtol=0, atol=tolerance * (1e-3 + scale))

    check()


@needs_native
@pytest.mark.parametrize("n_v", [1, 16, 64, 300])
@pytest.mark.parametrize("components_first", [True, False])
def test_many_channels(n_v: int, components_first: bool, instruction_set: str) -> None:
    """More than a tile holds, and fewer."""
    rng = np.random.default_rng(n_v)
    d = 7
    strides = (n_v, 0, 1) if components_first else (1, 0, d)
    block = Block(0, d, *strides)
    m = rng.integers(0, d, (3, 40)).tolist()
    plan = ProductPlan((Path(block, block, block, 1, n_v, *m, [1.0] * 40),), (d * n_v,) * 3)
    inputs = random_inputs(rng, plan, 37)
    for ours, theirs in zip(
        derivatives(inputs, plan, "native"), derivatives(inputs, plan, "torch"), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-11 * n_v)


@needs_native
def test_number_of_threads_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    plan = random_plan(rng, 5)
    inputs = random_inputs(rng, plan, 5000)
    results = by_number_of_threads(lambda: derivatives(inputs, plan, "native"))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_derivatives_by_finite_differences(backend: str) -> None:
    rng = np.random.default_rng(5)
    plan = random_plan(rng, 2)
    inputs = tuple(tensor.requires_grad_() for tensor in random_inputs(rng, plan, 1))

    def run(*x: Tensor) -> Tensor:
        return sparse_product(*x, plan)

    assert gradcheck(run, inputs)
    assert gradgradcheck(run, inputs)


@needs_native
def test_operations_are_registered_well() -> None:
    rng = np.random.default_rng(6)
    plan = random_plan(rng, 2)
    x1, x2, coefficients = (x.requires_grad_() for x in random_inputs(rng, plan, 3))
    a, b = x1.detach().reshape(-1).requires_grad_(), x2.detach().reshape(-1).requires_grad_()
    torch.library.opcheck(
        sparse_native.product_of_two, (a, b, coefficients, plan.program, 0, 3, 3 * DIM)
    )
    g = torch.randn(3 * DIM, dtype=torch.float64, requires_grad=True)
    torch.library.opcheck(sparse_native.product_of_three, (g, a, b, coefficients, plan.program, 3))


@needs_native
def test_batches_of_cotangents() -> None:
    rng = np.random.default_rng(7)
    plan = random_plan(rng, 3)
    x1, x2, coefficients = random_inputs(rng, plan, 2)
    x1.requires_grad_()
    cotangents = torch.from_numpy(rng.normal(size=(4, 2, DIM)))
    ours, theirs = (
        torch.autograd.grad(
            sparse_product(x1, x2, coefficients, plan, backend),
            x1,
            cotangents,
            is_grads_batched=True,
        )[0]
        for backend in ("native", "torch")
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_module_keeps_its_coefficients_exact(backend: str) -> None:
    """Through .float() and back."""
    plan = random_plan(np.random.default_rng(8), 3)
    module = SparseProduct(plan.paths, DIM, DIM, DIM)
    x1, x2, coefficients = random_inputs(np.random.default_rng(9), plan, 12)
    expected = sparse_product(x1, x2, coefficients, plan)
    assert module.state_dict() == {}
    module.float().double()
    shaped = module(x1.view(2, 6, DIM), x2.view(2, 6, DIM))
    assert torch.equal(shaped.view(12, DIM), expected)
    strided = module(x1.t().contiguous().t(), x2)
    assert torch.equal(strided, expected)
    assert module(x1.float(), x2.float()).dtype == torch.float32


@pytest.mark.compiler
@needs_compiler
def test_compiled_module(backend: str) -> None:
    plan = random_plan(np.random.default_rng(10), 3)
    module = SparseProduct(plan.paths, DIM, DIM, DIM)
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    for n_batch in (3, 5, 9):
        x1, x2, _ = random_inputs(np.random.default_rng(n_batch), plan, n_batch)
        x1.requires_grad_()
        torch.testing.assert_close(compiled(x1, x2), module(x1, x2), rtol=1e-13, atol=1e-13)
        (ours,) = torch.autograd.grad(compiled(x1, x2).square().sum(), x1)
        (eager,) = torch.autograd.grad(module(x1, x2).square().sum(), x1)
        torch.testing.assert_close(ours, eager, rtol=1e-12, atol=1e-12)


BLOCK = Block(0, 3, 1, 0, 3)
TERMS = {"m1": [0], "m2": [1], "m3": [2], "coefficients": [1.0]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"m1": [3]}, r"m1 goes from 3 to 3, expected indices of the 3 components, 0 to 2"),
        ({"m3": [-1]}, r"m3 goes from -1 to -1"),
        ({"m2": []}, r"\[1, 0, 1, 1\] entries, expected as many of each"),
        ({"n_v": -1}, r"n_u, n_v are 1, -1"),
        ({"x1": BLOCK._replace(offset=-2)}, r"x1 is .*expected no negative numbers"),
    ],
)
def test_paths_that_make_no_sense(change: dict[str, object], message: str) -> None:
    arguments = {"x1": BLOCK, "x2": BLOCK, "out": BLOCK, "n_u": 1, "n_v": 4} | TERMS | change
    with pytest.raises(ValueError, match=message):
        Path(**arguments)


def test_inputs_that_do_not_fit(backend: str) -> None:
    path = Path(BLOCK, BLOCK, BLOCK, 1, 4, **TERMS)
    with pytest.raises(ValueError, match="reaches position 11 of x2, whose last dimension has 11"):
        SparseProduct([path], 12, 11, 12)
    module = SparseProduct([path], 12, 12, 12)
    x = torch.ones(5, 12)
    with pytest.raises(ValueError, match=r"x1 has shape \(5, 11\), expected \(5, 12\)"):
        module(x[:, 1:], x)
    with pytest.raises(ValueError, match=r"leading dimensions \(4,\) and \(5,\)"):
        module(x[1:], x)
    with pytest.raises(TypeError, match=r"x2 is torch.float64, expected torch.float32 as x1"):
        module(x, x.double())
    with pytest.raises(TypeError, match=r"x1 is torch.int64"):
        module(x.long(), x.long())
    with pytest.raises(ValueError, match=r"x2 is on meta, x1 on cpu"):
        module(x, x.to("meta"))
