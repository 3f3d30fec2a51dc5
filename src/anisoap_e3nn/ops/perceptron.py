"""Multilayer perceptrons on many rows, such as the radial networks of edges."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ..precision import without_autocast
from .backends import choose_backend
from .operands import check_operands


@without_autocast
def perceptron(x: Tensor, weights: Sequence[Tensor], backend: str | None = None) -> Tensor:
    r"""Apply linear maps with silu between them to each row.

    .. math::
        x^{(k)} = \mathrm{silu}(x^{(k-1)} W_k), \qquad
        \mathrm{out} = x^{(K-1)} W_K, \qquad
        \mathrm{silu}(z) = \frac{z}{1 + e^{-z}}

    It is differentiable any number of times, in reverse and forward mode and in ``torch.func``. The native
    backend keeps hidden layers in the processor's caches, a tile of rows at a time, and computes them anew
    for derivatives; so nothing but arguments and results is stored. Sums over rows are taken in a fixed
    order, so results do not depend on the number of threads. Forward mode, and second derivatives that are
    differentiated again, are computed by torch's operations. It is computed in the type of the tensors, also
    inside ``torch.autocast``.

    Parameters
    ----------
    x : Tensor ``(row, n_0)``, float32 or float64
    weights : sequence of Tensor ``(n_{k-1}, n_k)``
        W, one for each layer.
    backend : {"torch", "native", "triton"}, optional
        As for :func:`~anisoap_e3nn.ops.sparse_product.sparse_product`; "triton" has no kernel of its own for
        it and takes torch's.

    Returns
    -------
    Tensor ``(row, n_K)``

    Raises
    ------
    ValueError
        If there is no layer, a width is 0, shapes do not fit or tensors are on different devices.
    TypeError
        If the tensors are not all float32 or all float64.
    """
    widths = _widths(weights)
    shapes = enumerate(zip(weights, pairwise(widths), strict=True))
    check_operands(
        x=(x, (*x.shape[:1], widths[0])),
        **{f"weights[{k}]": (w, shape) for k, (w, shape) in shapes},
    )
    run = choose_backend("perceptron", (x, *weights), backend)
    return run(x, torch.cat([w.flatten() for w in weights]), widths)


def _widths(weights: Sequence[Tensor]) -> list[int]:
    """Numbers of each layer, from the input to the output."""
    shapes = [tuple(w.shape) for w in weights]
    if not shapes or any(len(shape) != 2 or 0 in shape for shape in shapes):
        raise ValueError(
            f"weights have shapes {shapes}, expected one or more matrices that are not empty"
        )
    return [shapes[0][0], *(n_out for _, n_out in shapes)]
