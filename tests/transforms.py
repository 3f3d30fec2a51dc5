"""Transforms of torch.func and torch.autograd, and what each of them has to return."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, func
from torch.autograd import forward_ad, functional

Inputs = tuple[Tensor, ...]
Function = Callable[..., Tensor]
Transform = Callable[[Function, Inputs, Inputs], Any]  # of a function, its inputs and tangents


def scalar(f: Function) -> Function:
    return lambda *x: torch.sin(f(*x)).sum()


def everything(x: Inputs) -> tuple[int, ...]:
    return tuple(range(len(x)))


def two_members(x: Inputs, v: Inputs) -> Inputs:
    return tuple(torch.stack([a, a + b / 20]) for a, b in zip(x, v, strict=True))


def members(x: Inputs, v: Inputs) -> list[Inputs]:
    return [tuple(pair[k] for pair in two_members(x, v)) for k in range(2)]


def by_duals(f: Function, x: Inputs, v: Inputs) -> Tensor:
    with forward_ad.dual_level():
        result = f(*(forward_ad.make_dual(a, b) for a, b in zip(x, v, strict=True)))
        return forward_ad.unpack_dual(result).tangent


def by_duals_with_graph(f: Function, x: Inputs, v: Inputs) -> Inputs:
    """Reverse mode through forward mode, outside torch.func."""
    leaves = tuple(a.detach().clone().requires_grad_() for a in (*x, *v))
    tangent = by_duals(f, leaves[: len(x)], leaves[len(x) :])
    return torch.autograd.grad(tangent.sin().sum(), leaves, materialize_grads=True)


def gradient(f: Function, x: Inputs, v: Inputs) -> Inputs:
    leaves = tuple(a.detach().clone().requires_grad_() for a in x)
    return torch.autograd.grad(scalar(f)(*leaves), leaves, materialize_grads=True)


def batched_gradients(f: Function, x: Inputs, v: Inputs) -> Inputs:
    leaves = tuple(a.detach().clone().requires_grad_() for a in x)
    result = f(*leaves)
    cotangents = torch.stack([result.detach().cos(), result.detach().exp()])
    return torch.autograd.grad(
        result, leaves, cotangents, is_grads_batched=True, materialize_grads=True
    )


def gradients_one_by_one(f: Function, x: Inputs, v: Inputs) -> Inputs:
    leaves = tuple(a.detach().clone().requires_grad_() for a in x)
    result = f(*leaves)
    rows = [
        torch.autograd.grad(result, leaves, cotangent, retain_graph=True, materialize_grads=True)
        for cotangent in (result.detach().cos(), result.detach().exp())
    ]
    return tuple(torch.stack(pair) for pair in zip(*rows, strict=True))


def reverse_over_jvp(f: Function, x: Inputs, v: Inputs) -> Inputs:
    """By autograd's jvp, which is reverse mode twice."""
    leaves = tuple(a.detach().clone().requires_grad_() for a in (*x, *v))
    _, tangent = functional.jvp(f, leaves[: len(x)], leaves[len(x) :], create_graph=True)
    return torch.autograd.grad(tangent.sin().sum(), leaves, materialize_grads=True)


def hessian(f: Function, x: Inputs, v: Inputs) -> Any:
    return functional.hessian(scalar(f), x)


def jvp(f: Function, x: Inputs, v: Inputs) -> Tensor:
    return functional.jvp(f, x, v)[1]


def jacobian(f: Function, x: Inputs, v: Inputs) -> Any:
    return functional.jacobian(f, x)


def hessian_product(f: Function, x: Inputs, v: Inputs) -> Inputs:
    return functional.hvp(scalar(f), x, v)[1]


def first_gradients(f: Function, x: Inputs, v: Inputs) -> Inputs:
    rows = [gradient(f, member, v) for member in members(x, v)]
    return tuple(torch.stack(pair) for pair in zip(*rows, strict=True))


TRANSFORMS: dict[str, tuple[Transform, Transform]] = {
    "jvp": (lambda f, x, v: func.jvp(f, x, v)[1], jvp),
    "dual numbers": (by_duals, jvp),
    "dual numbers with graph": (by_duals_with_graph, reverse_over_jvp),
    "jacfwd": (lambda f, x, v: func.jacfwd(f, everything(x))(*x), jacobian),
    "jacrev": (lambda f, x, v: func.jacrev(f, everything(x))(*x), jacobian),
    "grad": (lambda f, x, v: func.grad(scalar(f), everything(x))(*x), gradient),
    "vjp": (lambda f, x, v: func.vjp(scalar(f), *x)[1](torch.ones_like(x[0].sum())), gradient),
    "hessian": (lambda f, x, v: func.hessian(scalar(f), everything(x))(*x), hessian),
    "jacrev of jacrev": (
        lambda f, x, v: func.jacrev(func.jacrev(scalar(f), everything(x)), everything(x))(*x),
        hessian,
    ),
    "jacrev of jacfwd": (
        lambda f, x, v: func.jacrev(func.jacfwd(scalar(f), everything(x)), everything(x))(*x),
        hessian,
    ),
    "jvp of grad": (
        lambda f, x, v: func.jvp(func.grad(scalar(f), everything(x)), x, v)[1],
        hessian_product,
    ),
    "vmap": (
        lambda f, x, v: func.vmap(f)(*two_members(x, v)),
        lambda f, x, v: torch.stack([f(*member) for member in members(x, v)]),
    ),
    "vmap of grad": (
        lambda f, x, v: func.vmap(func.grad(scalar(f), everything(x)))(*two_members(x, v)),
        first_gradients,
    ),
    "vmap of jvp": (
        lambda f, x, v: func.vmap(lambda *x: func.jvp(f, x, v)[1])(*two_members(x, v)),
        lambda f, x, v: torch.stack([jvp(f, member, v) for member in members(x, v)]),
    ),
    "is_grads_batched": (batched_gradients, gradients_one_by_one),
}


def assert_as_autograd(
    name: str, f: Function, x: Inputs, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transform on this backend is what reverse mode gives on the torch backend."""
    transform, definition = TRANSFORMS[name]
    generator = torch.Generator().manual_seed(1)
    v = tuple(torch.randn(a.shape, dtype=a.dtype, generator=generator) for a in x)
    monkeypatch.setenv("ANISOAP_E3NN_BACKEND", "torch")
    expected = definition(f, x, v)
    monkeypatch.setenv("ANISOAP_E3NN_BACKEND", backend)
    found = transform(f, x, v)
    flat, _ = torch.utils._pytree.tree_flatten(found)
    flat_expected, _ = torch.utils._pytree.tree_flatten(expected)
    assert len(flat) == len(flat_expected)
    for ours, theirs in zip(flat, flat_expected, strict=True):
        scale = float(theirs.detach().abs().max().clamp(min=1))
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12 * scale)
