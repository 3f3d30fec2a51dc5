"""Backend ``native`` for sparse products: C++ on the CPU, differentiable any number of times.

Let S be the sum of all C_k x1 x2 g, with a fourth tensor g of the output's shape. S is linear in each of C,
x1, x2 and g, and the product is its derivative with respect to g. Derivatives of any order therefore need
two operations only: the derivative of S with respect to one of the operands g, x1 and x2, and that with
respect to C.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from ..product_program import ProductPlan
from . import native
from .batching import one_by_one
from .differentiation import Tensors, register_derivatives

_OUT, _X1, _X2 = range(3)


def sparse_product(x1: Tensor, x2: Tensor, coefficients: Tensor, plan: ProductPlan) -> Tensor:
    """See :func:`anisoap_e3nn.ops.sparse_product`; inputs are read once, and only the output is allocated."""
    n_batch = x1.shape[0]
    product: Tensor = product_of_two(
        x1.reshape(n_batch * plan.dims[_X1]),
        x2.reshape(n_batch * plan.dims[_X2]),
        coefficients,
        plan.program,
        _OUT,
        n_batch,
        n_batch * plan.dims[_OUT],
    )
    return product.view(n_batch, plan.dims[_OUT])


@torch.library.custom_op("anisoap_e3nn::product_of_two", mutates_args=(), device_types="cpu")
def product_of_two(
    first: Tensor,
    second: Tensor,
    coefficients: Tensor,
    program: Tensor,
    target: int,
    n_batch: int,
    size: int,
) -> Tensor:
    """Derivative of S with respect to the operand number `target`, which has `size` numbers.

    `first` and `second` are the other two operands, in the order g, x1, x2.
    """
    result = first.new_empty(size)
    operands: list[NDArray[Any] | None] = [_array(first), _array(second)]
    operands.insert(target, None)
    _run(operands, coefficients, program, n_batch, result)
    return result


@torch.library.custom_op("anisoap_e3nn::product_of_three", mutates_args=(), device_types="cpu")
def product_of_three(
    out: Tensor, x1: Tensor, x2: Tensor, coefficients: Tensor, program: Tensor, n_batch: int
) -> Tensor:
    """Derivative of S with respect to the coefficients. It does not depend on their values."""
    result = torch.empty_like(coefficients, memory_format=torch.contiguous_format)
    _run([_array(out), _array(x1), _array(x2)], coefficients, program, n_batch, result)
    return result


@product_of_two.register_fake
def _(first: Tensor, second: Tensor, coefficients: Tensor, program: Tensor, *others: int) -> Tensor:
    return first.new_empty(others[-1])


@product_of_three.register_fake
def _(out: Tensor, x1: Tensor, x2: Tensor, coefficients: Tensor, *others: Any) -> Tensor:
    return torch.empty_like(coefficients, memory_format=torch.contiguous_format)


def _backward_two(inputs: Sequence[Any], cotangents: Tensors, needed: Sequence[bool]) -> Tensors:
    first, second, coefficients, program, target, n_batch, _ = inputs
    operands = [first, second]
    operands.insert(target, cotangents[0])
    places = [place for place in (_OUT, _X1, _X2) if place != target]
    gradients = [
        _product_for(place, operands, coefficients, program, n_batch) if wanted else None
        for place, wanted in zip(places, needed, strict=False)
    ]
    of_coefficients = None
    if needed[2]:
        of_coefficients = product_of_three(*operands, coefficients, program, n_batch)
    return (*gradients, of_coefficients, None, None, None, None)


def _backward_three(inputs: Sequence[Any], cotangents: Tensors, needed: Sequence[bool]) -> Tensors:
    *operands, _, program, n_batch = inputs
    (cotangent,) = cotangents
    gradients = [
        _product_for(place, operands, cotangent, program, n_batch) if wanted else None
        for place, wanted in zip((_OUT, _X1, _X2), needed, strict=False)
    ]
    return (*gradients, None, None, None)


def _product_rule(operation: Any) -> Callable[[Sequence[Any], Tensors], Tensor]:
    """The rule for tangents of an operation that is linear in each of its first three inputs."""

    def jvp(inputs: Sequence[Any], tangents: Tensors) -> Tensor:
        terms = [
            operation(*inputs[:place], tangent, *inputs[place + 1 :])
            for place, tangent in enumerate(tangents[:3])
            if tangent is not None
        ]
        if not terms:  # of product_of_three, which does not depend on its coefficients
            return torch.zeros_like(inputs[3])
        return sum(terms[1:], start=terms[0])

    return jvp


def _product_for(
    target: int, operands: list[Tensor], coefficients: Tensor | None, program: Tensor, n_batch: int
) -> Tensor:
    first, second = (operand for place, operand in enumerate(operands) if place != target)
    size = operands[target].numel()
    product: Tensor = product_of_two(first, second, coefficients, program, target, n_batch, size)
    return product


register_derivatives(product_of_two, _backward_two, _product_rule(product_of_two))
register_derivatives(product_of_three, _backward_three, _product_rule(product_of_three))
for _operation in (product_of_two, product_of_three):
    _operation.register_vmap(one_by_one(_operation))


def _run(
    operands: list[NDArray[Any] | None],
    coefficients: Tensor,
    program: Tensor,
    n_batch: int,
    result: Tensor,
) -> None:
    double = result.dtype == torch.float64
    kernel = native._native.sparse_product_f64 if double else native._native.sparse_product_f32
    threads = torch.get_num_threads()
    kernel(*operands, _array(coefficients), program.numpy(), n_batch, result.numpy(), threads)


def _array(tensor: Tensor) -> NDArray[Any]:
    return tensor.detach().contiguous().numpy()
