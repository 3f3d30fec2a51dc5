r"""Backend ``native`` for perceptrons: C++ on the CPU, differentiable any number of times.

There are three operations on torch's dispatcher, the second the derivative of the first, the third that of
the second. With J the Jacobian of the outputs with respect to x, they are the outputs, the derivatives of
:math:`\langle g, out \rangle` with respect to x and the weights, and those of :math:`\langle g, J t \rangle`
with respect to g, x and the weights. These are the derivatives that training on forces needs. Other second
derivatives, and those that shall be differentiated again, are computed by torch's operations. Programs saved
by ``torch.export`` call the operations by name and schema: change neither.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import native
from .batching import one_by_one
from .differentiation import Tensors, register_derivatives
from .perceptron_reference import second_derivatives

Widths = Sequence[int]

_POINT = "Tensor x, Tensor weights, SymInt[] widths"
_operation = partial(torch.library.custom_op, mutates_args=(), device_types="cpu")


def perceptron(x: Tensor, weights: Tensor, widths: Widths) -> Tensor:
    """See :func:`anisoap_e3nn.ops.perceptron`; hidden layers stay in the caches."""
    out: Tensor = values(x, weights, widths)
    return out


@_operation("anisoap_e3nn::perceptron", schema=f"({_POINT}) -> Tensor")
def values(x: Tensor, weights: Tensor, widths: Widths) -> Tensor:
    """The outputs."""
    out = _values_like(x, widths)
    _run(x, weights, widths, out=out)
    return out


@_operation(
    "anisoap_e3nn::perceptron_backward",
    schema=f"(Tensor g, {_POINT}, bool of_weights) -> (Tensor, Tensor)",
)
def backward(
    g: Tensor, x: Tensor, weights: Tensor, widths: Widths, of_weights: bool
) -> tuple[Tensor, Tensor]:
    """Derivatives of ⟨g, outputs⟩ with respect to x and, if `of_weights`, the weights; else of size 0."""
    d_x, d_weights = _point_like(x, weights, of_weights)
    _run(x, weights, widths, g=g, d_x=d_x, d_weights=d_weights if of_weights else None)
    return d_x, d_weights


@_operation(
    "anisoap_e3nn::perceptron_double_backward",
    schema=f"(Tensor t, Tensor g, {_POINT}, bool of_weights) -> (Tensor, Tensor, Tensor)",
)
def double_backward(
    t: Tensor, g: Tensor, x: Tensor, weights: Tensor, widths: Widths, of_weights: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Derivatives of ⟨g, J t⟩ with respect to g, x and, if `of_weights`, the weights."""
    d_g = _values_like(x, widths)
    d_x, d_weights = _point_like(x, weights, of_weights)
    results = {"d_g": d_g, "d_x": d_x, "d_weights": d_weights if of_weights else None}
    _run(x, weights, widths, tangent=t, g=g, **results)
    return d_g, d_x, d_weights


@values.register_fake
def _(x: Tensor, weights: Tensor, widths: Widths) -> Tensor:
    return _values_like(x, widths)


@backward.register_fake
def _(
    g: Tensor, x: Tensor, weights: Tensor, widths: Widths, of_weights: bool
) -> tuple[Tensor, Tensor]:
    return _point_like(x, weights, of_weights)


@double_backward.register_fake
def _(
    t: Tensor, g: Tensor, x: Tensor, weights: Tensor, widths: Widths, of_weights: bool
) -> tuple[Tensor, Tensor, Tensor]:
    return (_values_like(x, widths), *_point_like(x, weights, of_weights))


def _values_backward(inputs: Sequence[Any], cotangents: Tensors, needed: Sequence[bool]) -> Tensors:
    of_weights = needed[1]
    d_x, d_weights = backward(cotangents[0], *inputs, of_weights)
    return d_x, d_weights if of_weights else None, None


def _values_jvp(inputs: Sequence[Any], tangents: Tensors) -> Tensor:
    x, weights, widths = inputs
    t, t_weights = _filled(tangents[:2], (x, weights))
    unused = x.new_zeros(x.shape[0], widths[-1])
    return second_derivatives(t, t_weights, unused, x, weights, widths)[0]


def _backward_backward(
    inputs: Sequence[Any], cotangents: Tensors, needed: Sequence[bool]
) -> Tensors:
    g, x, weights, widths, first_of_weights = inputs
    t, t_weights = cotangents if first_of_weights else (cotangents[0], None)
    of_weights = needed[2]
    if torch.is_grad_enabled() or t_weights is not None:
        t, t_weights = _filled((t, t_weights), (x, weights))
        d_g, d_x, d_weights = second_derivatives(t, t_weights, g, x, weights, widths)
    elif t is not None:
        d_g, d_x, d_weights = double_backward(t, g, x, weights, widths, of_weights)
    else:  # the cotangent is that of an output of size 0
        return (None,) * 5
    return d_g, d_x, d_weights if of_weights else None, None, None


def _backward_jvp(inputs: Sequence[Any], tangents: Tensors) -> tuple[Tensor, Tensor]:
    g, x, weights, widths, of_weights = inputs
    of_g, t, t_weights = _filled(tangents[:3], inputs[:3])
    d_x, d_weights = backward(of_g, x, weights, widths, of_weights)
    _, dd_x, dd_weights = second_derivatives(t, t_weights, g, x, weights, widths)
    return d_x + dd_x, d_weights + dd_weights if of_weights else d_weights


def _not_implemented(*_: Any) -> Any:
    raise NotImplementedError(
        "the native backend has no forward mode through second derivatives that are not differentiated "
        "again; use backend='torch' or the environment variable ANISOAP_E3NN_BACKEND=torch"
    )


register_derivatives(values, _values_backward, _values_jvp)
register_derivatives(backward, _backward_backward, _backward_jvp)
register_derivatives(double_backward, _not_implemented, _not_implemented)
for _each in (values, backward, double_backward):
    _each.register_vmap(one_by_one(_each))


def _filled(tangents: Tensors, point: Sequence[Tensor]) -> list[Tensor]:
    """Tangents with zeros for None."""
    return [
        torch.zeros_like(primal) if each is None else each
        for each, primal in zip(tangents, point, strict=True)
    ]


def _run(x: Tensor, weights: Tensor, widths: Widths, **others: Tensor | None) -> None:
    """One sweep over the rows; `others` are further arguments and the results."""
    names = ("tangent", "g", "out", "d_x", "d_g", "d_weights")
    arrays = [None if (each := others.get(name)) is None else native._array(each) for name in names]
    double = x.dtype == torch.float64
    kernel = native._native.perceptron_f64 if double else native._native.perceptron_f32
    threads = torch.get_num_threads()
    of_point = native._array(x), native._array(weights), np.array(widths, dtype=np.int64)
    kernel(*of_point, *arrays, threads)


def _values_like(x: Tensor, widths: Widths) -> Tensor:
    return x.new_empty(x.shape[0], widths[-1])


def _point_like(x: Tensor, weights: Tensor, of_weights: bool) -> tuple[Tensor, Tensor]:
    return x.new_empty(x.shape), weights.new_empty(weights.shape if of_weights else (0,))
