r"""Backend ``native`` for convolutions: C++ on the CPU, differentiable any number of times.

Let S(g, x, Y, W) be the sum of all C_k g_i x_j Y_e W_e, with a fourth tensor g of the output's shape. S is
linear in each of its arguments. Write p for the point (x, Y, W) and t for tangents of it. Four operations are
closed under derivatives, each of them one sweep over the edges:

- convolve: :math:`A(p) = \partial_g S`, summed at the centres;
- gradient: :math:`G(g, p) = \partial_p S`, summed at the neighbours;
- tangent: :math:`\dot A(t, p) = \partial_g \langle t, G(g, p) \rangle`, at the centres;
- curvature: :math:`H(t, g, p) = \partial_p \langle t, G(g, p) \rangle`, at the neighbours.

Since S is linear in each of x, Y and W, H is symmetric and linear in t and p. So the derivatives of
:math:`\langle u, H(t, g, p) \rangle` with respect to t and p are H(u, g, p) and H(t, g, u).
"""

from collections.abc import Sequence
from functools import partial
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from ..convolution_plan import ConvolutionPlan
from . import native
from .batching import one_by_one
from .differentiation import Tensors, register_derivatives

ThreeTensors = tuple[Tensor, Tensor, Tensor]

_POINT = "Tensor x, Tensor harmonics, Tensor weights"
_TANGENT = "Tensor x_tangent, Tensor harmonics_tangent, Tensor weights_tangent"
_GRAPH = "Tensor edge_index, Tensor program"
_operation = partial(torch.library.custom_op, mutates_args=(), device_types="cpu")


def convolution(
    x: Tensor, harmonics: Tensor, weights: Tensor, edge_index: Tensor, plan: ConvolutionPlan
) -> Tensor:
    """See :func:`anisoap_e3nn.ops.convolution`; only the output is allocated."""
    out: Tensor = convolve(x, harmonics, weights, edge_index, plan.program, plan.dims[3])
    return out


@_operation("anisoap_e3nn::convolution", schema=f"({_POINT}, {_GRAPH}, SymInt dim_out) -> Tensor")
def convolve(*arguments: Any) -> Tensor:
    """A(p)."""
    *point, edge_index, program, dim_out = arguments
    out = _of_centers(point, dim_out)
    _run(edge_index, program, None, point, None, [out])
    return out


@_operation(
    "anisoap_e3nn::convolution_gradient",
    schema=f"(Tensor g, {_POINT}, {_GRAPH}) -> (Tensor, Tensor, Tensor)",
)
def gradient(*arguments: Any) -> ThreeTensors:
    """G(g, p)."""
    g, *point, edge_index, program = arguments
    out = _like(point)
    _run(edge_index, program, None, point, g, out)
    return out


@_operation(
    "anisoap_e3nn::convolution_tangent",
    schema=f"({_TANGENT}, {_POINT}, {_GRAPH}, SymInt dim_out) -> Tensor",
)
def tangent(*arguments: Any) -> Tensor:
    """The derivative of A(p) along t."""
    *tangents, x, harmonics, weights, edge_index, program, dim_out = arguments
    point = [x, harmonics, weights]
    out = _of_centers(point, dim_out)
    _run(edge_index, program, tangents, point, None, [out])
    return out


@_operation(
    "anisoap_e3nn::convolution_curvature",
    schema=f"({_TANGENT}, Tensor g, {_POINT}, {_GRAPH}) -> (Tensor, Tensor, Tensor)",
)
def curvature(*arguments: Any) -> ThreeTensors:
    """H(t, g, p)."""
    *tangents, g, x, harmonics, weights, edge_index, program = arguments
    point = [x, harmonics, weights]
    out = _like(point)
    _run(edge_index, program, tangents, point, g, out)
    return out


@convolve.register_fake
def _(*arguments: Any) -> Tensor:
    return _of_centers(arguments[:3], arguments[-1])


@gradient.register_fake
def _(*arguments: Any) -> ThreeTensors:
    return _like(arguments[1:4])


@tangent.register_fake
def _(*arguments: Any) -> Tensor:
    return _of_centers(arguments[3:6], arguments[-1])


@curvature.register_fake
def _(*arguments: Any) -> ThreeTensors:
    return _like(arguments[4:7])


def _convolve_backward(inputs: Sequence[Any], cotangents: Tensors, _: Sequence[bool]) -> Tensors:
    *point, edge_index, program, _ = inputs
    return (*gradient(cotangents[0], *point, edge_index, program), None, None, None)


def _convolve_jvp(inputs: Sequence[Any], tangents: Tensors) -> Tensor:
    result: Tensor = tangent(*_filled(tangents[:3], inputs), *inputs)
    return result


def _gradient_backward(inputs: Sequence[Any], cotangents: Tensors, _: Sequence[bool]) -> Tensors:
    g, *point, edge_index, program = inputs
    t = _filled(cotangents, point)
    of_g = tangent(*t, *point, edge_index, program, g.shape[1])
    return (of_g, *curvature(*t, *inputs), None, None)


def _gradient_jvp(inputs: Sequence[Any], tangents: Tensors) -> Any:
    _, *point, edge_index, program = inputs
    of_g, *of_point = tangents[:4]
    terms = []
    if of_g is not None:
        terms.append(gradient(of_g, *point, edge_index, program))
    if any(each is not None for each in of_point):
        terms.append(curvature(*_filled(of_point, point), *inputs))
    return _sums(terms)


def _tangent_backward(inputs: Sequence[Any], cotangents: Tensors, _: Sequence[bool]) -> Tensors:
    (g,) = cotangents
    t, point, graph = inputs[:3], inputs[3:6], inputs[6:8]
    of_t = gradient(g, *point, *graph)
    return (*of_t, *curvature(*t, g, *point, *graph), None, None, None)


def _tangent_jvp(inputs: Sequence[Any], tangents: Tensors) -> Tensor:
    t, point, rest = inputs[:3], inputs[3:6], inputs[6:]
    of_t, of_point = tangents[:3], tangents[3:6]
    terms = []
    if any(each is not None for each in of_t):
        terms.append(tangent(*_filled(of_t, t), *point, *rest))
    if any(each is not None for each in of_point):
        terms.append(_mixed(t, _filled(of_point, point), point, *rest))
    return sum(terms[1:], start=terms[0])


def _curvature_backward(inputs: Sequence[Any], cotangents: Tensors, _: Sequence[bool]) -> Tensors:
    t, g, point, graph = inputs[:3], inputs[3], inputs[4:7], inputs[7:]
    u = _filled(cotangents, point)
    of_t = curvature(*u, g, *point, *graph)
    of_g = _mixed(u, t, point, *graph, g.shape[1])
    return (*of_t, of_g, *curvature(*t, g, *u, *graph), None, None)


def _curvature_jvp(inputs: Sequence[Any], tangents: Tensors) -> Any:
    t, g, point, graph = inputs[:3], inputs[3], inputs[4:7], inputs[7:]
    of_t, of_g, of_point = tangents[:3], tangents[3], tangents[4:7]
    terms = []
    if any(each is not None for each in of_t):
        terms.append(curvature(*_filled(of_t, t), g, *point, *graph))
    if of_g is not None:
        terms.append(curvature(*t, of_g, *point, *graph))
    if any(each is not None for each in of_point):
        terms.append(curvature(*t, g, *_filled(of_point, point), *graph))
    return _sums(terms)


def _mixed(first: Tensors, second: Tensors, third: Tensors, *rest: Any) -> Tensor:
    """The sum of all convolutions of one part, x, Y or W, of each of three points."""
    points = (first, second, third)
    terms = [
        convolve(points[i][0], points[j][1], points[k][2], *rest)
        for i, j, k in permutations(range(3))
    ]
    return sum(terms[1:], start=terms[0])


register_derivatives(convolve, _convolve_backward, _convolve_jvp)
register_derivatives(gradient, _gradient_backward, _gradient_jvp)
register_derivatives(tangent, _tangent_backward, _tangent_jvp)
register_derivatives(curvature, _curvature_backward, _curvature_jvp)
for _each in (convolve, gradient, tangent, curvature):
    _each.register_vmap(one_by_one(_each))


def _run(
    edge_index: Tensor,
    program: Tensor,
    tangents: Sequence[Tensor] | None,
    point: Sequence[Tensor],
    g: Tensor | None,
    out: Sequence[Tensor],
) -> None:
    """One sweep over the edges: at the centres without g, at the neighbours with it."""
    double = point[0].dtype == torch.float64
    kernel = native._native.convolution_f64 if double else native._native.convolution_f32
    kernel(
        _array(edge_index),
        _array(program),
        None if tangents is None else [_array(each) for each in tangents],
        [_array(each) for each in point],
        None if g is None else _array(g),
        out[0].numpy(),
        None if g is None else [each.numpy() for each in out[1:]],
        torch.get_num_threads(),
    )


def _of_centers(point: Sequence[Tensor], dim_out: int) -> Tensor:
    return point[0].new_empty(point[0].shape[0], dim_out)


def _like(point: Sequence[Tensor]) -> ThreeTensors:
    x, harmonics, weights = (each.new_empty(each.shape) for each in point)
    return x, harmonics, weights


def _filled(tangents: Tensors, point: Sequence[Tensor]) -> list[Tensor]:
    """Tangents with zeros for None."""
    return [
        torch.zeros_like(primal) if each is None else each
        for each, primal in zip(tangents, point, strict=False)
    ]


def _sums(terms: Sequence[Sequence[Tensor]]) -> tuple[Tensor, ...]:
    return tuple(sum(parts[1:], start=parts[0]) for parts in zip(*terms, strict=True))


def _array(tensor: Tensor) -> Any:
    return tensor.detach().contiguous().numpy()
