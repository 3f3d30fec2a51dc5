"""Operations inside torch.func and in forward mode are those that reverse mode knows."""

import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, func
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from anisoap_e3nn.ops import (
    Block,
    Path,
    ProductPlan,
    SparseProduct,
    accumulate,
    accumulate_active_dim_first,
    accumulate_active_dim_middle,
    gaussian_moments,
    sparse_product,
)
from common import needs_native
from transforms import TRANSFORMS, Inputs, assert_as_autograd

NEIGHBORS, SEGMENTS = torch.tensor([2, 0, 1, 1, 0]), torch.tensor([3, 0, 2, 2, 0])
BLOCKS = Block(0, 3, 2, 0, 1), Block(6, 5, 1, 5, 0), Block(2, 4, 1, 4, 8)
PLAN = ProductPlan(
    (
        Path(*BLOCKS, 2, 2, [0, 2, 1, 0], [4, 1, 1, 3], [3, 0, 0, 1], [0.5, -1.0, 2.0, 0.3]),
        Path(BLOCKS[2], BLOCKS[0], BLOCKS[2], 2, 2, [3, 0], [2, 2], [1, 1], [-0.7, 1.1]),
    ),
    (20, 20, 20),
)


def randn(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=generator)


def moment_inputs(generator: torch.Generator) -> Inputs:
    """Of three particles, one a point, and five edges, one of length zero."""
    A = randn(generator, 3, 3, 3)
    A[1] = 0
    r = randn(generator, 5, 3)
    r[3] = 0
    return r, A @ A.mT / 9, randn(generator, 3), randn(generator, 5)


def moments(r: Tensor, C: Tensor, w: Tensor, f: Tensor | None) -> Tensor:
    own = torch.tensor([1, 0, 4])
    return gaussian_moments(r, NEIGHBORS, SEGMENTS, 6, C, w, f, own, exponent=0.4, degree=2)


def product_inputs(generator: torch.Generator) -> Inputs:
    return randn(generator, 2, 20), randn(generator, 2, 20), randn(generator, 6)


def multiply(x1: Tensor, x2: Tensor, coefficients: Tensor) -> Tensor:
    return sparse_product(x1, x2, coefficients, PLAN)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_moments(
    name: str, backend: str, generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = moment_inputs(generator)
    assert_as_autograd(name, moments, x, backend, monkeypatch)
    r, C, w, f = x
    assert_as_autograd(name, lambda r: moments(r, C, w, f), (r,), backend, monkeypatch)
    assert_as_autograd(name, lambda C: moments(r, C, w, None), (C,), backend, monkeypatch)
    assert_as_autograd(name, lambda w, f: moments(r, C, w, f), (w, f), backend, monkeypatch)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_products(
    name: str, backend: str, generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = product_inputs(generator)
    assert_as_autograd(name, multiply, x, backend, monkeypatch)
    x1, x2, C = x
    module = SparseProduct(PLAN.paths, 20, 20, 20)
    assert_as_autograd(name, lambda x1: module(x1, x2), (x1,), backend, monkeypatch)
    assert_as_autograd(name, lambda C: multiply(x1, x2, C), (C,), backend, monkeypatch)


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize(
    "run", [accumulate, accumulate_active_dim_first, accumulate_active_dim_middle]
)
def test_accumulations(
    run: Callable[..., Tensor],
    name: str,
    backend: str,
    generator: torch.Generator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    m3, m1, m2 = torch.randint(3, (3, 7), generator=generator)  # a plan that no call made before
    x = randn(generator, 3, 3), randn(generator, 3, 3), randn(generator, 7)
    assert_as_autograd(
        name, lambda x1, x2, C: run(x1, x2, m3, 3, m1, m2, C), x, backend, monkeypatch
    )


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize(
    ("function", "make"), [(moments, moment_inputs), (multiply, product_inputs)]
)
def test_finite_differences(
    function: Callable[..., Tensor],
    make: Callable[[torch.Generator], Inputs],
    generator: torch.Generator,
) -> None:
    x = tuple(a.requires_grad_() for a in make(generator))
    assert gradcheck(
        function,
        x,
        check_forward_ad=True,
        check_batched_grad=True,
        check_batched_forward_grad=True,
    )
    assert gradgradcheck(function, x, check_fwd_over_rev=True, check_batched_grad=True)


def test_products_in_any_nesting(backend: str, generator: torch.Generator) -> None:
    """Third derivatives: they are linear in each operand."""
    x1, x2, C = product_inputs(generator)

    def cubic(t: Tensor) -> Tensor:
        return multiply(x1 * t[0], x2 * t[1], C * t[2]).sin().sum()

    t = randn(generator, 3)
    expected = func.jacrev(func.jacrev(func.jacrev(cubic)))(t)
    for outer, middle, inner in (
        (func.jacfwd, func.jacfwd, func.jacfwd),
        (func.jacfwd, func.jacrev, func.jacfwd),
        (func.jacrev, func.jacfwd, func.jacrev),
    ):
        found = outer(middle(inner(cubic)))(t)
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize(
    "mapped", [[0], [1], [2], [3], [4], [5], [0, 2], [0, 3, 4, 5], [0, 1, 2, 3, 4, 5]]
)
def test_vmap_over_any_inputs(mapped: list[int], generator: torch.Generator) -> None:
    r, C, w, f = moment_inputs(generator)
    x = [r, NEIGHBORS, SEGMENTS, C, w, f]

    def run(r: Tensor, j: Tensor, s: Tensor, C: Tensor, w: Tensor, f: Tensor) -> Tensor:
        return gaussian_moments(r, j, s, 6, C, w, f, exponent=0.4, degree=2)

    in_dims = tuple(x[k].dim() - 1 if k in mapped else None for k in range(6))
    batch = [
        a if dim is None else torch.stack([a.roll(k, 0) for k in range(3)], dim)
        for a, dim in zip(x, in_dims, strict=True)
    ]
    found = func.vmap(run, in_dims)(*batch)
    for k in range(3):
        member = [
            a if dim is None else a.select(dim, k) for a, dim in zip(batch, in_dims, strict=True)
        ]
        torch.testing.assert_close(found[k], run(*member), rtol=1e-14, atol=1e-14)


@pytest.mark.usefixtures("backend")
def test_vmap_in_vmap(generator: torch.Generator) -> None:
    x1, x2 = randn(generator, 2, 3, 20), randn(generator, 4, 3, 20)
    C = randn(generator, 6)
    rows = func.vmap(func.vmap(multiply, (None, 0, None)), (0, None, None))
    expected = torch.stack([torch.stack([multiply(a, b, C) for b in x2]) for a in x1])
    torch.testing.assert_close(rows(x1, x2, C), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.usefixtures("backend")
def test_nothing_to_map_over(generator: torch.Generator) -> None:
    r, C, w, f = moment_inputs(generator)
    none = func.vmap(func.grad(lambda r: moments(r, C, w, f).sum()))(r.new_empty(0, *r.shape))
    assert none.shape == (0, 5, 3)
    x1, x2, coefficients = product_inputs(generator)
    assert func.vmap(multiply, (0, None, None))(x1[None][:0], x2, coefficients).shape == (0, 2, 20)
    assert func.jacrev(multiply)(x1[:0], x2[:0], coefficients).shape == (0, 20, 0, 20)


@pytest.mark.usefixtures("backend")
def test_indices_of_accumulations_cannot_be_mapped_over(generator: torch.Generator) -> None:
    x, m = randn(generator, 4, 3), torch.tensor([[0, 1], [2, 1]])
    with pytest.raises(ValueError, match=r"indices are mapped over by torch\.vmap, expected"):
        func.vmap(lambda m: accumulate(x, x, m, 3, m, m, torch.ones(2).double()))(m)


@pytest.mark.usefixtures("backend")
def test_forward_mode_without_a_graph(generator: torch.Generator) -> None:
    """Tensors that need no gradient, and no_grad: where tangents were once lost."""
    x = moment_inputs(generator)
    _, expected = func.jvp(moments, x, x)
    for grad_mode in (True, False):
        with forward_ad.dual_level(), torch.set_grad_enabled(grad_mode):
            duals = [forward_ad.make_dual(a, a) for a in x]
            assert torch.equal(forward_ad.unpack_dual(moments(*duals)).tangent, expected)
    _, gradient = func.jvp(lambda r: func.grad(lambda r: moments(r, *x[1:]).sum())(r), x[:1], x[:1])
    assert gradient.any()


@needs_native
@pytest.mark.parametrize(
    "nested",
    [
        lambda f: func.jacfwd(func.jacfwd(f)),
        lambda f: func.jacrev(func.jacrev(func.jacrev(f))),
        lambda f: func.jacfwd(func.jacrev(func.jacfwd(f))),
    ],
    ids=["forward over forward", "reverse, three times", "third"],
)
def test_what_is_refused_says_how_to_go_on(
    nested: Callable[..., Any], generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    r, *others = moment_inputs(generator)
    monkeypatch.setenv("ANISOAP_E3NN_BACKEND", "native")
    with pytest.raises(NotImplementedError, match="use backend='torch' or the environment"):
        nested(lambda r: moments(r, *others).square().sum())(r)
    monkeypatch.setenv("ANISOAP_E3NN_BACKEND", "torch")
    assert nested(lambda r: moments(r, *others).square().sum())(r).any()


@needs_native
def test_saved_programs(generator: torch.Generator) -> None:
    """They call the operations by name."""

    class Moments(torch.nn.Module):
        def forward(self, r: Tensor, C: Tensor, w: Tensor, f: Tensor) -> Tensor:
            return moments(r, C, w, f)

    x = moment_inputs(generator)
    file = io.BytesIO()
    torch.export.save(torch.export.export(Moments(), x), file)
    file.seek(0)
    program = torch.export.load(file).module()
    assert torch.equal(func.jvp(program, x, x)[1], func.jvp(moments, x, x)[1])
    stacked = tuple(torch.stack([a, 2 * a]) for a in x)
    assert torch.equal(func.vmap(program)(*stacked), func.vmap(moments)(*stacked))


@pytest.mark.compiler
@needs_native
@pytest.mark.skipif(torch.__version__ < "2.13", reason="older compilers were not tried")
@pytest.mark.filterwarnings("ignore:(?s).*lru_cache:UserWarning")
@pytest.mark.parametrize(
    "name", ["jvp", "dual numbers", "jacfwd", "jacrev", "hessian", "vmap", "vmap of grad"]
)
def test_compiled_transforms(name: str, generator: torch.Generator) -> None:
    transform, _ = TRANSFORMS[name]
    cases: list[tuple[Any, Any]] = [(moments, moment_inputs(generator))]
    if name != "hessian":  # which is slow to trace, by the same rules
        cases.append((multiply, product_inputs(generator)))
    for function, x in cases:

        def run(*x: Tensor, function: Callable[..., Tensor] = function) -> Any:
            return transform(lambda *x: x[0].sum() + function(*x), x, x)

        torch._dynamo.reset()
        compiled = torch.compile(run, fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(compiled(*x), run(*x), rtol=1e-13, atol=1e-13)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_changes_nothing(dtype: torch.dtype, generator: torch.Generator) -> None:
    for function, make in ((moments, moment_inputs), (multiply, product_inputs)):
        x = tuple(a.float().requires_grad_() for a in make(generator))
        expected = function(*x)
        with torch.autocast("cpu", dtype=dtype):
            found = function(*x)
        assert torch.equal(found, expected)
        for ours, theirs in zip(
            torch.autograd.grad(found.sin().sum(), x),
            torch.autograd.grad(expected.sin().sum(), x),
            strict=True,
        ):
            assert torch.equal(ours, theirs)
