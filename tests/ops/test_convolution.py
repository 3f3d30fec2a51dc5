"""Convolutions over edges and their derivatives, on all backends."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from anisoap_e3nn.ops import ConvolutionPath, ConvolutionPlan, convolution
from anisoap_e3nn.ops.backends import convolution_native
from common import by_number_of_threads, needs_native
from random_convolutions import Inputs, derivatives, random_inputs, random_plan


def by_loops(x: Tensor, y: Tensor, w: Tensor, edge_index: Tensor, plan: ConvolutionPlan) -> Tensor:
    """The formula, term by term."""
    out = torch.zeros(len(x), plan.dims[3], dtype=x.dtype)
    for n, (d1, _, d3), at_x, at_y, at_w, at_out, *table in plan.paths:
        for (m1, m2, m3, C), u in product(zip(*table, strict=True), range(n)):
            for e, (j, i) in enumerate(edge_index.T):
                value = C * x[j, at_x + u * d1 + m1] * y[e, at_y + m2] * w[e, at_w + u]
                out[i, at_out + u * d3 + m3] += value
    return out


def test_definition_is_the_formula(backend: str) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        plan = random_plan(rng, 3)
        inputs, edge_index = random_inputs(rng, plan, 3, 4)
        ours = convolution(*inputs, edge_index, plan)
        torch.testing.assert_close(
            ours, by_loops(*inputs, edge_index, plan), rtol=1e-12, atol=1e-13
        )


@needs_native
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 3e-5)], ids=["f64", "f32"]
)
def test_native_is_the_definition(
    instruction_set: str, dtype: torch.dtype, tolerance: float
) -> None:
    """Any irreps, and any edges, in any order, to the second derivatives."""

    @given(st.integers(0, 2**32), st.integers(0, 4), st.integers(1, 9), st.integers(0, 70))
    @settings(max_examples=12, deadline=None)
    def check(seed: int, n_paths: int, n_particles: int, n_edges: int) -> None:
        rng = np.random.default_rng(seed)
        plan = random_plan(rng, n_paths)
        inputs, edge_index = random_inputs(rng, plan, n_particles, n_edges, dtype)
        ours = derivatives(inputs, edge_index, plan, "native")
        doubles = tuple(tensor.double() for tensor in inputs)
        theirs = derivatives(doubles, edge_index, plan, "torch")  # type: ignore[arg-type]
        for a, b in zip(ours, theirs, strict=True):
            assert a.dtype == dtype
            scale = float(b.abs().max()) if b.numel() else 0.0
            torch.testing.assert_close(a.double(), b, rtol=0, atol=tolerance * (1e-3 + scale))

    check()


@needs_native
@pytest.mark.parametrize("channels", [400, 401])
def test_weights_larger_than_caches(channels: int, instruction_set: str) -> None:
    """Their derivatives are written past the caches, if rows are multiples of 16 bytes."""
    m = [0, 1, 2]
    path = ConvolutionPath(channels, (3, 1, 3), 0, 0, 0, 0, m, [0, 0, 0], m, [0.5, 0.5, 0.5])
    plan = ConvolutionPlan((path,), (3 * channels, 1, channels, 3 * channels))
    inputs, edge_index = random_inputs(np.random.default_rng(0), plan, 50, 3000, torch.float32)
    ours = derivatives(inputs, edge_index, plan, "native", order=1)
    theirs = derivatives(inputs, edge_index, plan, "torch", order=1)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


@needs_native
def test_third_derivatives() -> None:
    rng = np.random.default_rng(1)
    plan = random_plan(rng, 4)
    inputs, edge_index = random_inputs(rng, plan, 4, 9)
    ours, theirs = (
        derivatives(inputs, edge_index, plan, backend, order=3) for backend in ("native", "torch")
    )
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-11)


@needs_native
def test_number_of_threads_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    plan = random_plan(rng, 4)
    inputs, edge_index = random_inputs(rng, plan, 100, 1000)
    results = by_number_of_threads(lambda: derivatives(inputs, edge_index, plan, "native"))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def small_case() -> tuple[Inputs, Tensor, ConvolutionPlan]:
    path = ConvolutionPath(
        2, (3, 2, 3), 0, 1, 0, 1, [0, 2, 1], [1, 0, 0], [2, 0, 2], [0.5, -1.0, 2.0]
    )
    other = path._replace(out=7, weights=2, coefficients=[1.0, 0.3, -0.7])
    plan = ConvolutionPlan((path, other), (6, 3, 4, 13))
    inputs, edge_index = random_inputs(np.random.default_rng(5), plan, 3, 5)
    x, y, w = (tensor.requires_grad_() for tensor in inputs)
    return (x, y, w), edge_index, plan


def test_derivatives_by_finite_differences(backend: str) -> None:
    inputs, edge_index, plan = small_case()

    def run(*x: Tensor) -> Tensor:
        return convolution(*x, edge_index, plan)

    assert gradcheck(run, inputs, check_forward_ad=True)
    assert gradgradcheck(run, inputs, check_fwd_over_rev=True)


@needs_native
@pytest.mark.parametrize("operation", ["tangent", "curvature"])
def test_forward_mode_of_derivatives(operation: str) -> None:
    """The rules that no first or second derivative of a convolution calls."""
    inputs, edge_index, plan = small_case()
    rng = np.random.default_rng(6)
    tangents = [torch.from_numpy(rng.normal(size=x.shape)).requires_grad_() for x in inputs]
    g = torch.from_numpy(rng.normal(size=(3, 13))).requires_grad_()
    graph = (edge_index, plan.program)
    if operation == "tangent":
        arguments, rest = (*tangents, *inputs), (*graph, 13)
    else:
        arguments, rest = (*tangents, g, *inputs), graph
    run = getattr(convolution_native, operation)
    assert gradcheck(lambda *x: run(*x, *rest), arguments, check_forward_ad=True)


@needs_native
def test_operations_are_registered_well() -> None:
    inputs, edge_index, plan = small_case()
    g = torch.randn(3, 13, dtype=torch.float64, requires_grad=True)
    graph = (edge_index, plan.program)
    tangents = tuple(torch.randn_like(x).requires_grad_() for x in inputs)
    torch.library.opcheck(convolution_native.convolve, (*inputs, *graph, 13))
    torch.library.opcheck(convolution_native.gradient, (g, *inputs, *graph))
    torch.library.opcheck(convolution_native.tangent, (*tangents, *inputs, *graph, 13))
    torch.library.opcheck(convolution_native.curvature, (*tangents, g, *inputs, *graph))


@needs_native
def test_batches_of_cotangents_and_of_points() -> None:
    (x, y, w), edge_index, plan = small_case()
    cotangents = torch.randn(4, 3, 13, dtype=torch.float64)
    points = torch.randn(4, *x.shape, dtype=torch.float64)
    ours, theirs = (
        (
            torch.autograd.grad(
                convolution(x, y, w, edge_index, plan, backend),
                w,
                cotangents,
                is_grads_batched=True,
            )[0],
            torch.func.vmap(lambda z, b=backend: convolution(z, y, w, edge_index, plan, b))(points),
        )
        for backend in ("native", "torch")
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@needs_native
def test_edges_that_are_not_there() -> None:
    (x, y, w), edge_index, plan = small_case()
    for row in (0, 1):
        wrong = edge_index.clone()
        wrong[row, 2] = 3
        with pytest.raises(IndexError, match=r"is 3, expected 0 to 2"):
            convolution(x, y, w, wrong, plan, "native")


def test_inputs_that_do_not_fit(backend: str) -> None:
    (x, y, w), edge_index, plan = small_case()
    with pytest.raises(ValueError, match=r"x has shape \(3, 5\), expected \(3, 6\)"):
        convolution(x[:, 1:], y, w, edge_index, plan)
    with pytest.raises(ValueError, match=r"weights has shape \(4, 4\), expected \(5, 4\)"):
        convolution(x, y, w[1:], edge_index, plan)
    with pytest.raises(ValueError, match=r"edge_index has shape \(5,\), expected \(2, edge\)"):
        convolution(x, y, w, edge_index[0], plan)
    with pytest.raises(TypeError, match=r"edge_index is torch.int32, expected torch.int64"):
        convolution(x, y, w, edge_index.int(), plan)
    with pytest.raises(TypeError, match=r"harmonics is torch.float32, expected torch.float64 as x"):
        convolution(x, y.float(), w, edge_index, plan)
    with pytest.raises(ValueError, match=r"weights is on meta, x on cpu"):
        convolution(x, y, w.to("meta"), edge_index, plan)
    with pytest.raises(
        ValueError, match=r"reaches position 13 of out, whose last dimension has 13"
    ):
        ConvolutionPlan((plan.paths[0]._replace(out=8),), plan.dims)
    with pytest.raises(ValueError, match=r"m1 goes from 0 to 4"):
        ConvolutionPlan((plan.paths[0]._replace(m1=[0, 4, 1]),), plan.dims)
