"""Backend ``triton`` for convolutions: two sparse products of each edge, and a sum."""

from torch import Tensor

from ..convolution_plan import ConvolutionPlan
from ..product_program import ProductPlan
from .triton_products import sparse_product


def convolution(
    x: Tensor, harmonics: Tensor, weights: Tensor, edge_index: Tensor, plan: ConvolutionPlan
) -> Tensor:
    """See :func:`anisoap_e3nn.ops.convolution`; the messages of all edges are stored."""
    neighbors, centers = edge_index.unbind()
    y = _product(weights, harmonics, plan.weighting)  # -> [edge, path and channel and m2]
    messages = _product(x.index_select(0, neighbors), y, plan.coupling)  # -> [edge, dim]
    return x.new_zeros(x.shape[0], plan.dims[3]).index_add(0, centers, messages)


def _product(x1: Tensor, x2: Tensor, plan: ProductPlan) -> Tensor:
    product: Tensor = sparse_product(x1, x2, plan.coefficients.like(x1), plan)
    return product
