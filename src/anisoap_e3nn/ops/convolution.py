"""Convolutions over edges with sparse coupling coefficients."""

import torch
from torch import Tensor

from ..precision import without_autocast
from .backends import choose_backend
from .convolution_plan import ConvolutionPlan
from .operands import check_operands


@without_autocast
def convolution(
    x: Tensor,
    harmonics: Tensor,
    weights: Tensor,
    edge_index: Tensor,
    plan: ConvolutionPlan,
    backend: str | None = None,
) -> Tensor:
    r"""Sum weighted products of neighbours' features and edges' harmonics at the centres.

    .. math::
        out_{i, u m_3(k)} \mathrel{+}= \sum_{e: j \to i}
            C_k \, x_{j, u m_1(k)} \, Y_{e, m_2(k)} \, W_{e, p(k) u}

    over the coefficients k of all paths p and their channels u. It is differentiable any number of times, in
    reverse and forward mode and in ``torch.func``. The native and triton backends store nothing of the size
    edges × paths × channels save the derivatives of the weights, and sum the edges of a particle in their
    order, so results repeat. It is computed in the type of the tensors, also
    inside ``torch.autocast``.

    Parameters
    ----------
    x : Tensor ``(N, dim)``, float32 or float64
        Features of the particles.
    harmonics : Tensor ``(edge, dim)``
        Y, the second factor of the products, such as spherical harmonics of the edges.
    weights : Tensor ``(edge, weight)``
        W, one weight for each channel of each path.
    edge_index : Tensor ``(2, edge)``, int64
        Neighbours j (row 0) and centres i (row 1).
    plan : ConvolutionPlan
    backend : {"torch", "native", "triton"}, optional
        As for :func:`~anisoap_e3nn.ops.sparse_product.sparse_product`.

    Returns
    -------
    Tensor ``(N, dim)``
        Zero where no path writes, and for particles without edges.

    Raises
    ------
    ValueError
        Where :func:`~anisoap_e3nn.ops.sparse_product.sparse_product` raises it.
    TypeError
        If x, harmonics and weights are not all float32 or all float64, or `edge_index` is not int64.
    IndexError
        If `edge_index` names a particle that x does not have.
    """
    _check(x, harmonics, weights, edge_index, plan)
    run = choose_backend("convolution", (x, harmonics, weights, edge_index), backend)
    return run(x, harmonics, weights, edge_index, plan)


def _check(
    x: Tensor, harmonics: Tensor, weights: Tensor, edge_index: Tensor, plan: ConvolutionPlan
) -> None:
    dim_x, dim_harmonics, n_weights, _ = plan.dims
    edges = edge_index.shape[-1:]
    check_operands(
        x=(x, (*x.shape[:1], dim_x)),
        harmonics=(harmonics, (*edges, dim_harmonics)),
        weights=(weights, (*edges, n_weights)),
    )
    if edge_index.shape != (2, *edges):
        raise ValueError(f"edge_index has shape {tuple(edge_index.shape)}, expected (2, edge)")
    if edge_index.dtype != torch.int64:
        raise TypeError(f"edge_index is {edge_index.dtype}, expected torch.int64; use .long()")
    if edge_index.device != x.device:
        raise ValueError(f"edge_index is on {edge_index.device}, x on {x.device}; move one of them")
