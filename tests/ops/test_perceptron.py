"""Perceptrons and their derivatives, on all backends."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from torch import Tensor
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from anisoap_e3nn.ops import perceptron
from anisoap_e3nn.ops.backends import native, perceptron_native
from common import by_number_of_threads, needs_native

WIDTHS = st.lists(st.integers(1, 70), min_size=2, max_size=5)


def random_perceptron(
    seed: int, widths: Sequence[int], n_rows: int, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, ...]:
    """x and the weights, such that numbers of all layers have about unit size."""
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=(n_rows, widths[0]))]
    arrays += [rng.normal(size=shape) * 1.6 / shape[0] ** 0.5 for shape in pairwise(widths)]
    return tuple(torch.from_numpy(array).to(dtype).requires_grad_() for array in arrays)


def derivatives(inputs: Sequence[Tensor], backend: str, order: int = 2) -> list[Tensor]:
    """Values, and derivatives with respect to x and the weights of random functions of those before."""
    generator = torch.Generator().manual_seed(5)
    x, *weights = (tensor.detach().requires_grad_() for tensor in inputs)
    outputs = [perceptron(x, weights, backend)]
    for _ in range(order):
        total = sum(
            (y * torch.randn(y.shape, generator=generator, dtype=torch.float64).to(y.dtype)).sum()
            for y in outputs
        )
        leaves = [x, *weights]
        outputs = list(
            torch.autograd.grad(total, leaves, create_graph=True, materialize_grads=True)
        )
    return [y.detach() for y in outputs]


def training_derivatives(inputs: Sequence[Tensor], backend: str) -> list[Tensor]:
    """Outputs, derivatives with respect to x alone, and those of a loss on both: what kernels compute."""
    x, *weights = (tensor.detach().requires_grad_() for tensor in inputs)
    out = perceptron(x, weights, backend)
    g = torch.cos(out.detach()).requires_grad_()
    (forces,) = torch.autograd.grad(out, x, g, create_graph=True)
    loss = (forces * torch.sin(x.detach() + 1)).sum() + (out * g.detach()).sum()
    found = torch.autograd.grad(loss, [g, x, *weights], materialize_grads=True, allow_unused=True)
    return [each.detach() for each in (out, forces, *found)]


def test_definition_is_the_formula(backend: str) -> None:
    x, *weights = random_perceptron(0, [3, 5, 4, 2], 7)
    expected, *matrices = (tensor.detach().numpy() for tensor in (x, *weights))
    for k, matrix in enumerate(matrices):
        expected = (expected * expit(expected) if k else expected) @ matrix
    ours = perceptron(x, weights)
    torch.testing.assert_close(ours.detach().numpy(), expected, rtol=1e-13, atol=1e-14)


@needs_native
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 2e-5)], ids=["f64", "f32"]
)
def test_native_is_the_definition(
    instruction_set: str, dtype: torch.dtype, tolerance: float
) -> None:
    """Any widths, and any number of rows, to the second derivatives."""

    @given(st.integers(0, 2**32), WIDTHS, st.integers(0, 120))
    @settings(max_examples=40, deadline=None)
    def check(seed: int, widths: list[int], n_rows: int) -> None:
        inputs = random_perceptron(seed, widths, n_rows, dtype)
        ours = training_derivatives(inputs, "native")
        theirs = training_derivatives([tensor.double() for tensor in inputs], "torch")
        for a, b in zip(ours, theirs, strict=True):
            assert a.dtype == dtype
            scale = float(b.abs().max()) if b.numel() else 0.0
            torch.testing.assert_close(a.double(), b, rtol=0, atol=tolerance * (1e-2 + scale))

    check()


@needs_native
def test_derivatives_of_derivatives_of_weights() -> None:
    """They, and third derivatives, are computed by torch's operations."""
    inputs = random_perceptron(1, [4, 6, 5, 3], 9)
    for order in (2, 3):
        ours, theirs = (derivatives(inputs, backend, order) for backend in ("native", "torch"))
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)


@needs_native
@pytest.mark.parametrize("value", [1e3, -1e3, 0.0])
def test_numbers_far_from_zero(value: float) -> None:
    """Of 1e3, silu is 1e3, and of -1e3 it is 0."""
    for dtype in (torch.float64, torch.float32):
        x = torch.full((5, 2), value, dtype=dtype, requires_grad=True)
        weights = [torch.eye(2, dtype=dtype, requires_grad=True) for _ in range(2)]
        ours, theirs = (training_derivatives([x, *weights], each) for each in ("native", "torch"))
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a, b)


@needs_native
def test_number_of_threads_does_not_matter() -> None:
    inputs = random_perceptron(2, [7, 16, 20], 3000)
    results = by_number_of_threads(lambda: training_derivatives(inputs, "native"))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_derivatives_by_finite_differences(backend: str) -> None:
    inputs = random_perceptron(3, [2, 3, 4, 2], 3)

    def run(x: Tensor, *weights: Tensor) -> Tensor:
        return perceptron(x, weights)

    assert gradcheck(run, inputs, check_forward_ad=True)
    assert gradgradcheck(run, inputs, check_fwd_over_rev=True)


@needs_native
@pytest.mark.parametrize("of_weights", [False, True])
def test_derivatives_of_derivatives_by_finite_differences(of_weights: bool) -> None:
    """In both modes, with and without derivatives of the weights."""
    x, *weights = random_perceptron(4, [2, 3, 2], 3)
    row = torch.cat([w.detach().flatten() for w in weights]).requires_grad_()
    g = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)

    def run(g: Tensor, x: Tensor, row: Tensor) -> Any:
        found = perceptron_native.backward(g, x, row, [2, 3, 2], of_weights)
        return found if of_weights else found[0]

    assert gradcheck(run, (g, x, row), check_forward_ad=True)
    assert gradgradcheck(run, (g, x, row))


@needs_native
def test_forward_mode_through_the_kernel_of_second_derivatives() -> None:
    """It would lose the tangents, so it is refused."""
    x, w = random_perceptron(4, [2, 3], 3)
    t, g = torch.randn(3, 2, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64)
    point = (g, x.detach(), w.detach().flatten(), [2, 3], False)
    with forward_ad.dual_level(), pytest.raises(NotImplementedError, match="backend='torch'"):
        perceptron_native.double_backward(forward_ad.make_dual(t, t), *point)


@needs_native
def test_operations_are_registered_well() -> None:
    x, *weights = random_perceptron(5, [2, 3, 4], 3)
    row = torch.cat([w.detach().flatten() for w in weights]).requires_grad_()
    t, g = torch.randn_like(x), torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    torch.library.opcheck(perceptron_native.values, (x, row, [2, 3, 4]))
    for of_weights in (False, True):
        point = (x, row, [2, 3, 4], of_weights)
        torch.library.opcheck(perceptron_native.backward, (g, *point))
        values = (each.detach() if isinstance(each, Tensor) else each for each in (t, g, *point))
        torch.library.opcheck(perceptron_native.double_backward, tuple(values))


@needs_native
def test_functional_transforms() -> None:
    """Batches of points and of cotangents, Jacobians and Hessians."""
    x, *weights = (each.detach() for each in random_perceptron(6, [3, 4, 2], 5))
    points = torch.randn(4, *x.shape, dtype=torch.float64)
    cotangents = torch.randn(4, 5, 2, dtype=torch.float64)
    results: list[list[Tensor]] = []
    for backend in ("native", "torch"):

        def run(x: Tensor, backend: str = backend) -> Tensor:
            return perceptron(x, weights, backend)

        y = x.clone().requires_grad_()
        batched = torch.autograd.grad(run(y), y, cotangents, is_grads_batched=True)[0]
        results.append(
            [
                torch.func.vmap(run)(points),
                batched,
                torch.func.jacrev(run)(x),
                torch.func.jacfwd(run)(x),
                torch.func.hessian(lambda x, run=run: run(x).square().sum())(x),
            ]
        )
    torch.testing.assert_close(*results, rtol=1e-11, atol=1e-12)


@needs_native
def test_derivatives_of_weights_are_computed_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forces do not need them, though the weights require gradients."""
    asked = []
    run = perceptron_native._run

    def watched(*arguments: Any, **others: Any) -> None:
        asked.append(others.get("d_weights") is not None)
        run(*arguments, **others)

    monkeypatch.setattr(perceptron_native, "_run", watched)
    x, *weights = random_perceptron(7, [3, 4, 2], 5)
    out = perceptron(x, weights, "native")
    (forces,) = torch.autograd.grad(out.sum(), x, create_graph=True)
    assert asked == [False, False]
    (forces.square().sum() + out.sum()).backward()
    assert asked == [False, False, True, True]
    assert all(w.grad is not None for w in weights)


@needs_native
def test_kernels_check_their_arrays() -> None:
    """They never read or write beyond them."""
    x, *weights = (each.detach().numpy() for each in random_perceptron(8, [3, 4, 2], 5))
    row = np.concatenate([w.ravel() for w in weights])
    widths, out = np.array([3, 4, 2]), np.zeros((5, 2))
    run = native._native.perceptron_f64
    run(x, row, widths, None, None, out, None, None, None, 1)
    none = (None,) * 3
    with pytest.raises(ValueError, match="one weight for each pair"):
        run(x, row[1:], widths, None, None, out, *none, 1)
    with pytest.raises(ValueError, match="shape that the widths say"):
        run(x, row, widths, None, None, out[1:], *none, 1)
    with pytest.raises(ValueError, match="widths are positive"):
        run(x, row, np.array([3, 0, 2]), None, None, out, *none, 1)
    with pytest.raises(ValueError, match="a perceptron has a layer"):
        run(x, row, widths[:1], None, None, out, *none, 1)
    with pytest.raises(ValueError, match="results are those of the arguments"):
        run(x, row, widths, None, np.ones((5, 2)), out, *none, 1)


def test_inputs_that_do_not_fit(backend: str) -> None:
    x, *weights = random_perceptron(9, [3, 4, 2], 5)
    with pytest.raises(ValueError, match=r"x has shape \(5, 2\), expected \(5, 3\)"):
        perceptron(x[:, 1:], weights)
    with pytest.raises(ValueError, match=r"weights\[1\] has shape \(3, 2\), expected \(4, 2\)"):
        perceptron(x, [weights[0], weights[1][1:]])
    with pytest.raises(
        ValueError, match=r"weights have shapes \[\], expected one or more matrices"
    ):
        perceptron(x, [])
    with pytest.raises(ValueError, match=r"shapes \[\(3, 0\)\], expected one or more matrices"):
        perceptron(x, [weights[0][:, :0]])
    with pytest.raises(TypeError, match=r"weights\[0\] is torch.float32, expected torch.float64"):
        perceptron(x, [w.float() for w in weights])
    with pytest.raises(ValueError, match=r"weights\[0\] is on meta, x on cpu"):
        perceptron(x, [w.to("meta") for w in weights])
