"""First and second derivatives of gaussian_moments, on both backends."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

from anisoap_e3nn.ops import gaussian_moments
from anisoap_e3nn.ops.backends import native
from common import by_number_of_threads, make_case, needs_native

NAMES = ["edge_vectors", "covariances", "weights", "pair_weights"]
Results = list[torch.Tensor]


def derivatives(case: dict[str, Any], degree: int, backend: str, seed: int = 0) -> Results:
    """Moments, ∂⟨G, moments⟩/∂x, and ∂⟨v, that⟩/∂(x, G) for random G and v."""
    generator = torch.Generator().manual_seed(seed)
    names = [name for name in NAMES if case[name] is not None]
    x = [case[name].detach().clone().requires_grad_() for name in names]
    moments = gaussian_moments(
        **(case | dict(zip(names, x, strict=True))), degree=degree, backend=backend
    )
    G = torch.randn(moments.shape, dtype=torch.float64, generator=generator).to(moments)
    G.requires_grad_()
    first = torch.autograd.grad((moments * G).sum(), x, create_graph=True, materialize_grads=True)
    v = [torch.randn(d.shape, dtype=torch.float64, generator=generator).to(d) for d in first]
    scalar = sum(
        ((d * t).sum() for d, t in zip(first, v, strict=True)), torch.zeros(()).to(moments)
    )
    second = torch.autograd.grad(scalar, [*x, G], materialize_grads=True)
    return [tensor.detach() for tensor in (moments, *first, *second)]


def largest_error(ours: Results, theirs: Results) -> float:
    errors = [
        float((a.double() - b.double()).abs().max() / b.double().abs().max().clamp(min=1e-300))
        for a, b in zip(ours, theirs, strict=True)
        if b.numel() > 0
    ]
    return max(errors)


@needs_native
@pytest.mark.parametrize("degree", [0, 1, 2, 5, 8])
@pytest.mark.parametrize("exponent", [0.0, 0.4], ids=["undamped", "damped"])
@pytest.mark.parametrize("left_out", [None, "pair_weights", "own_segments"])
def test_backends_agree(
    degree: int,
    exponent: float,
    left_out: str | None,
    instruction_set: str,
    generator: torch.Generator,
) -> None:
    case = make_case(generator, torch.float64, n_edges=80) | {"exponent": exponent}
    if left_out is not None:
        case[left_out] = None
    definition = derivatives(case, degree, "torch")
    assert largest_error(derivatives(case, degree, "native"), definition) <= 1e-12


@needs_native
def test_single_precision_keeps_its_digits(
    instruction_set: str, generator: torch.Generator
) -> None:
    """Relative to the largest entry of each derivative: 2e-5, about a hundred roundings."""
    case = make_case(generator, torch.float32)
    double = {k: v.double() if isinstance(v, torch.Tensor) and v.is_floating_point() else v
              for k, v in case.items()}  # fmt: skip
    assert largest_error(derivatives(case, 6, "native"), derivatives(double, 6, "torch")) <= 2e-5


@pytest.mark.parametrize("exponent", [0.0, 0.4], ids=["undamped", "damped"])
def test_finite_differences(backend: str, exponent: float, generator: torch.Generator) -> None:
    case = make_case(generator, torch.float64, n_edges=6) | {"exponent": exponent}
    case["segments"], case["n_segments"] = torch.tensor([0, 1, 1, 0, 2, 2]), 14
    case["own_segments"] = torch.arange(12)
    case["edge_vectors"][3] = 0  # coincident particles

    def moments(*x: torch.Tensor) -> torch.Tensor:
        return gaussian_moments(**(case | dict(zip(NAMES, x, strict=True))), degree=3)

    x = [case[name].clone().requires_grad_() for name in NAMES]
    assert gradcheck(moments, x)
    assert gradgradcheck(moments, x)


@needs_native
def test_only_what_is_asked_for(generator: torch.Generator) -> None:
    """Forces need no derivatives of shapes, and forces alone are as exact."""
    case = make_case(generator, torch.float64)
    r = case["edge_vectors"].clone().requires_grad_()
    alone = torch.autograd.grad(
        gaussian_moments(**(case | {"edge_vectors": r}), degree=4).sum(), r, create_graph=True
    )[0]
    (second,) = torch.autograd.grad(alone.square().sum(), r)
    everything = [case[name].clone().requires_grad_() for name in NAMES]
    moments = gaussian_moments(**(case | dict(zip(NAMES, everything, strict=True))), degree=4)
    first = torch.autograd.grad(moments.sum(), everything[0], create_graph=True)[0]
    torch.testing.assert_close(alone, first, rtol=0, atol=0)
    (expected,) = torch.autograd.grad(first.square().sum(), everything[0])
    torch.testing.assert_close(second, expected, rtol=1e-13, atol=1e-13)


@needs_native
def test_number_of_threads_changes_no_bit(generator: torch.Generator) -> None:
    case = make_case(generator, torch.float64, n_edges=20000)
    results = by_number_of_threads(lambda: derivatives(case, 6, "native"))
    for others in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], others, strict=True))


@needs_native
def test_order_of_edges_does_not_matter(generator: torch.Generator) -> None:
    case = make_case(generator, torch.float64)
    order = torch.argsort(case["segments"], stable=True)
    per_edge = ("edge_vectors", "neighbors", "segments", "pair_weights")
    sorted_case = case | {name: case[name][order] for name in per_edge}
    x = case["edge_vectors"].clone().requires_grad_()
    y = sorted_case["edge_vectors"].clone().requires_grad_()
    for data, leaf in ((case, x), (sorted_case, y)):
        moments = gaussian_moments(**(data | {"edge_vectors": leaf}), degree=6, backend="native")
        moments.square().sum().backward()
    assert x.grad is not None
    assert y.grad is not None
    assert torch.equal(x.grad[order], y.grad)


def test_nothing_to_differentiate(backend: str) -> None:
    none = torch.zeros(0, dtype=torch.int64)
    x = [torch.zeros(0, 3), torch.eye(3).repeat(2, 1, 1), torch.ones(2), torch.zeros(0)]
    x = [tensor.requires_grad_() for tensor in x]
    moments = gaussian_moments(
        x[0], none, none, 4, x[1], x[2], x[3], torch.tensor([2, 0]), exponent=0.5, degree=2
    )
    gradients = torch.autograd.grad(moments.sum(), x, create_graph=True)
    assert [g.shape for g in gradients] == [t.shape for t in x]
    assert gradients[2].tolist() == pytest.approx([1 + 3, 1 + 3])  # 1, and the variances
    torch.autograd.grad(sum(g.sum() for g in gradients), x)


def test_gradients_of_covariances_are_symmetric(backend: str, generator: torch.Generator) -> None:
    case = make_case(generator, torch.float64)
    C = case["covariances"].clone().requires_grad_()
    gaussian_moments(**(case | {"covariances": C}), degree=4).square().sum().backward()
    assert C.grad is not None
    torch.testing.assert_close(C.grad, C.grad.mT)


@needs_native
def test_torch_accepts_the_operations(generator: torch.Generator) -> None:
    """Schemas, fake kernels, autograd registrations, and tracing with dynamic shapes."""
    case = make_case(generator, torch.float64, n_edges=20)
    for name in NAMES:
        case[name] = case[name].clone().requires_grad_()
    inputs = (*(v for k, v in case.items() if k != "exponent"), case["exponent"], 3)
    cotangent = torch.randn(40, 20, dtype=torch.float64, requires_grad=True)
    torch.library.opcheck(native.moments, inputs)
    torch.library.opcheck(native.backward, (cotangent, *inputs, True))
    detached = [t.detach() if isinstance(t, torch.Tensor) else t for t in inputs]
    tangents = [torch.randn_like(case[name]).detach() for name in NAMES]
    torch.library.opcheck(native.double_backward, (*tangents, cotangent.detach(), *detached, True))


def test_batches_of_cotangents(backend: str, generator: torch.Generator) -> None:
    """As Jacobians are computed: many backward passes in one call."""
    case = make_case(generator, torch.float64, n_edges=20)
    r = case["edge_vectors"].clone().requires_grad_()
    moments = gaussian_moments(**(case | {"edge_vectors": r}), degree=2)
    cotangents = torch.randn(3, *moments.shape, dtype=torch.float64, generator=generator)
    arguments: dict[str, Any] = {"outputs": moments, "inputs": r, "retain_graph": True}
    (together,) = torch.autograd.grad(**arguments, grad_outputs=cotangents, is_grads_batched=True)
    for cotangent, gradient in zip(cotangents, together, strict=True):
        (alone,) = torch.autograd.grad(**arguments, grad_outputs=cotangent)
        torch.testing.assert_close(gradient, alone)
    tripled = torch.vmap(lambda f: gaussian_moments(**(case | {"pair_weights": f}), degree=2))(
        torch.stack([k * case["pair_weights"] for k in (1, 2, 3)])
    )
    alone = gaussian_moments(**(case | {"pair_weights": 3 * case["pair_weights"]}), degree=2)
    torch.testing.assert_close(tripled[2], alone)


@needs_native
def test_a_third_derivative_is_refused_in_words(generator: torch.Generator) -> None:
    case = make_case(generator, torch.float64, n_edges=10)
    r = case["edge_vectors"].clone().requires_grad_()
    value = (
        gaussian_moments(**(case | {"edge_vectors": r}), degree=3, backend="native").square().sum()
    )
    for _ in range(2):
        (gradient,) = torch.autograd.grad(value, r, create_graph=True)
        value = gradient.square().sum()
    with pytest.raises(NotImplementedError, match="for a third, use backend='torch'"):
        torch.autograd.grad(value, r)


def test_far_pairs_have_no_derivatives(backend: str, generator: torch.Generator) -> None:
    """Where the damping underflows everything is 0, not 0 · ∞."""
    case = make_case(generator, torch.float64)
    case["edge_vectors"] = (
        case["edge_vectors"] * 1e3 ** torch.linspace(1, 40, 300)[:, None].double()
    )
    assert math.isfinite(case["edge_vectors"].abs().max())
    assert all(torch.isfinite(t).all() for t in derivatives(case, 6, backend))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    weights=st.lists(st.floats(-1e100, 1e100), min_size=12, max_size=12),
    pair_weights=st.lists(st.floats(-1e100, 1e100), min_size=8, max_size=8),
    name=st.sampled_from(["torch", "native"] if not native.unavailable else ["torch"]),
)
def test_any_weights_have_finite_derivatives(
    weights: list[float], pair_weights: list[float], name: str
) -> None:
    generator = torch.Generator().manual_seed(5)
    case = make_case(generator, torch.float64, n_edges=8)
    case["weights"] = torch.tensor(weights, dtype=torch.float64)
    case["pair_weights"] = torch.tensor(pair_weights, dtype=torch.float64)
    assert all(torch.isfinite(tensor).all() for tensor in derivatives(case, 4, name))
