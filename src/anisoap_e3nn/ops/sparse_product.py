"""Products of irreps with sparse coupling coefficients."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..layer import Layer
from ..precision import without_autocast
from .backends import choose_backend
from .operands import check_operands
from .product_program import Path, ProductPlan


@without_autocast
def sparse_product(
    x1: Tensor, x2: Tensor, coefficients: Tensor, plan: ProductPlan, backend: str | None = None
) -> Tensor:
    r"""Multiply two tensors along all paths of a plan, with given coefficients.

    .. math::
        out_{b, u v m_3(k)} \mathrel{+}= C_k \, x^1_{b, u v m_1(k)} \, x^2_{b, u v m_2(k)}

    It is differentiable any number of times, in reverse and forward mode and in ``torch.func``. It is
    computed in the type of the tensors, also inside ``torch.autocast``.

    Parameters
    ----------
    x1, x2 : Tensor ``(batch, dim)``, float32 or float64
        Of the sizes in ``plan.dims``.
    coefficients : Tensor ``(entry,)``
        :math:`C_k` of all paths, in the order of the paths.
    plan : ProductPlan
    backend : {"torch", "native", "triton"}, optional
        By default the environment variable ``ANISOAP_E3NN_BACKEND``, else the fastest one for these
        tensors.

    Returns
    -------
    Tensor ``(batch, dim)``
        Zero where no path writes.

    Raises
    ------
    ValueError
        If shapes do not fit the plan, if tensors are on different devices, or if the backend is unknown or
        not available.
    TypeError
        If the tensors are not all float32 or all float64.
    """
    _check(x1, x2, coefficients, plan)
    run = choose_backend("sparse_product", (x1, x2, coefficients), backend)
    return run(x1, x2, coefficients, plan)


class SparseProduct(Layer):
    """Product along given paths, with the paths' own coefficients. See :func:`sparse_product`.

    Parameters
    ----------
    paths : sequence of Path
    dim1, dim2, dim_out : int
        Sizes of the last dimensions.

    Raises
    ------
    ValueError
        If a path reaches beyond the last dimension of a tensor.
    """

    coefficient_parts: Tensor

    def __init__(self, paths: Sequence[Path], dim1: int, dim2: int, dim_out: int) -> None:
        super().__init__()
        self.plan = ProductPlan(tuple(paths), (dim_out, dim1, dim2))
        coefficients = [value for path in paths for value in path.coefficients]
        # the bits of float32 numbers whose sums they are: .float() does not round integers, and Apple's GPUs
        # have no float64
        rest, parts = torch.tensor(coefficients, dtype=torch.float64), []
        for _ in range(3):
            parts.append(rest.float())
            rest = rest - parts[-1]
        self.register_constant("coefficient_parts", torch.stack(parts).view(torch.int32))

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """The product of ``(..., dim1)`` and ``(..., dim2)``: ``(..., dim_out)``."""
        if x1.shape[:-1] != x2.shape[:-1]:
            raise ValueError(
                f"x1 and x2 have leading dimensions {tuple(x1.shape[:-1])} and "
                f"{tuple(x2.shape[:-1])}, expected the same"
            )
        coefficients = self.coefficient_parts.view(torch.float32).to(x1.dtype).sum(0)
        n_rows = math.prod(x1.shape[:-1])
        product = sparse_product(
            x1.reshape(n_rows, x1.shape[-1]),
            x2.reshape(n_rows, x2.shape[-1]),
            coefficients,
            self.plan,
        )
        return product.view(*x1.shape[:-1], product.shape[-1])


def _check(x1: Tensor, x2: Tensor, coefficients: Tensor, plan: ProductPlan) -> None:
    _, dim1, dim2 = plan.dims
    n_entries = sum(len(path.coefficients) for path in plan.paths)
    check_operands(
        x1=(x1, (*x1.shape[:1], dim1)),
        x2=(x2, (*x1.shape[:1], dim2)),
        coefficients=(coefficients, (n_entries,)),
    )
