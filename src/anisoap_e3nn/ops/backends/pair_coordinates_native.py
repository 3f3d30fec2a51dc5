r"""Backend ``native`` for coordinates of pairs: C++ on the CPU.

There are three operations on torch's dispatcher, the second the derivative of the first, the third that of
the second. With J the Jacobian of the coordinates, they are the coordinates, the derivatives of
:math:`\langle g, \mathrm{coordinates} \rangle` with respect to vectors and shapes, and those of
:math:`\langle g, J t \rangle` with respect to g, vectors and shapes. Second derivatives that shall be
differentiated again are computed by the definition, and so is all that tracers, forward mode and
``torch.func`` see.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from ...tracing import is_tracing
from . import native
from .batching import one_by_one
from .differentiation import Tensors, register_derivatives
from .pair_coordinates_reference import pair_coordinates as definition

_N_COORDINATES = 16
_POINT = "Tensor vectors, Tensor first, Tensor second"
_operation = partial(torch.library.custom_op, mutates_args=(), device_types="cpu")
Derivatives = tuple[Tensor, Tensor, Tensor]


def pair_coordinates(vectors: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """See :func:`anisoap_e3nn.ops.pair_coordinates`."""
    in_levels = forward_ad._current_level >= 0 or torch._C._are_functorch_transforms_active()
    if is_tracing() or in_levels:
        return definition(vectors, first, second)
    coordinates: Tensor = values(vectors, first, second)
    return coordinates


@_operation("anisoap_e3nn::pair_coordinates", schema=f"({_POINT}) -> Tensor")
def values(vectors: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """The coordinates ``(pair, 16)``."""
    coordinates = _coordinates_like(vectors)
    _run((vectors, first, second), coordinates=coordinates)
    return coordinates


@_operation(
    "anisoap_e3nn::pair_coordinates_backward",
    schema=f"(Tensor g, {_POINT}) -> (Tensor, Tensor, Tensor)",
)
def backward(g: Tensor, *point: Tensor) -> Derivatives:
    """Derivatives of ⟨g, coordinates⟩ with respect to vectors and shapes."""
    d_vectors, d_first, d_second = _point_like(*point)
    _run(point, g=g, d_vectors=d_vectors, d_first=d_first, d_second=d_second)
    return d_vectors, d_first, d_second


@_operation(
    "anisoap_e3nn::pair_coordinates_double_backward",
    schema=f"(Tensor t_vectors, Tensor t_first, Tensor t_second, Tensor g, {_POINT})"
    " -> (Tensor, Tensor, Tensor, Tensor)",
)
def double_backward(*arguments: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Derivatives of ⟨g, J t⟩ with respect to g, vectors and shapes."""
    (t_vectors, t_first, t_second, g), point = arguments[:4], arguments[4:]
    d_g, (d_vectors, d_first, d_second) = _coordinates_like(g), _point_like(*point)
    tangents = {"t_vectors": t_vectors, "t_first": t_first, "t_second": t_second}
    derivatives = {"d_vectors": d_vectors, "d_first": d_first, "d_second": d_second}
    _run(point, **tangents, g=g, coordinates=d_g, **derivatives)
    return d_g, d_vectors, d_first, d_second


@values.register_fake
def _(vectors: Tensor, first: Tensor, second: Tensor) -> Tensor:
    return _coordinates_like(vectors)


@backward.register_fake
def _(g: Tensor, *point: Tensor) -> Derivatives:
    return _point_like(*point)


@double_backward.register_fake
def _(*arguments: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return (_coordinates_like(arguments[3]), *_point_like(*arguments[4:]))


def _values_backward(inputs: Sequence[Any], cotangents: Tensors, needed: Sequence[bool]) -> Tensors:
    derivatives: Derivatives = backward(cotangents[0], *inputs)
    return derivatives


def _backward_backward(
    inputs: Sequence[Any], cotangents: Tensors, needed: Sequence[bool]
) -> Tensors:
    tangents = [
        torch.zeros_like(each) if tangent is None else tangent
        for tangent, each in zip(cotangents, inputs[1:], strict=True)
    ]
    if torch.is_grad_enabled():
        return _second_derivatives(tangents, inputs)
    derivatives: Tensors = double_backward(*tangents, *inputs)
    return derivatives


def _second_derivatives(tangents: Sequence[Tensor], inputs: Sequence[Tensor]) -> Tensors:
    """Derivatives of ⟨g, J t⟩ with respect to g, vectors and shapes, that can be differentiated again."""
    # views, since g may depend on the point
    g, *point = (x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in inputs)
    differentiate = partial(torch.autograd.grad, create_graph=True, materialize_grads=True)
    first = differentiate(definition(*point), point, g)
    return differentiate(first, (g, *point), tangents)


def _not_implemented(*_: Any) -> Any:
    raise NotImplementedError(
        "the native backend has no forward mode through results that were computed outside of it, nor "
        "through second derivatives that are not differentiated again; use backend='torch' or the "
        "environment variable ANISOAP_E3NN_BACKEND=torch"
    )


register_derivatives(values, _values_backward, _not_implemented)
register_derivatives(backward, _backward_backward, _not_implemented)
register_derivatives(double_backward, _not_implemented, _not_implemented)
for _each in (values, backward, double_backward):
    _each.register_vmap(one_by_one(_each))


def _run(point: Sequence[Tensor], **others: Tensor) -> None:
    """One sweep over the pairs; `others` are further arguments and the results."""
    double = point[0].dtype == torch.float64
    module = native._native
    kernel = module.pair_coordinates_f64 if double else module.pair_coordinates_f32
    names = (
        "t_vectors",
        "t_first",
        "t_second",
        "g",
        "coordinates",
        "d_vectors",
        "d_first",
        "d_second",
    )
    arrays = (others.get(name) for name in names)
    of_point = map(native._array, point)
    kernel(
        *of_point,
        *(None if each is None else native._array(each) for each in arrays),
        torch.get_num_threads(),
    )


def _coordinates_like(vectors: Tensor) -> Tensor:
    return vectors.new_empty(vectors.shape[0], _N_COORDINATES)


def _point_like(*point: Tensor) -> Derivatives:
    vectors, first, second = (x.new_empty(x.shape) for x in point)
    return vectors, first, second
