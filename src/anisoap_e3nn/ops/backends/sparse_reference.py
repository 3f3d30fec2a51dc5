"""Backend ``torch``: the definition of sparse products, on any device and with derivatives of any order."""

import math

import torch
from torch import Tensor

from ..product_program import Block, Path, ProductPlan


def sparse_product(x1: Tensor, x2: Tensor, coefficients: Tensor, plan: ProductPlan) -> Tensor:
    """See :func:`anisoap_e3nn.ops.sparse_product`; coefficients are expanded to dense tensors."""
    out = x1.new_zeros(x1.shape[0], plan.dims[0])
    split = coefficients.split([len(path.coefficients) for path in plan.paths])
    for path, values in zip(plan.paths, split, strict=True):
        # two products of two: torch.einsum of three would fix the sizes of a traced graph
        x1_table = torch.einsum("zuvi,ijk->zuvjk", _gather(x1, path.x1, path), _dense(values, path))
        product = torch.einsum("zuvjk,zuvj->zuvk", x1_table, _gather(x2, path.x2, path))
        places = path.out.indices(path.n_u, path.n_v, x1.device).flatten()
        wanted = (-1, path.n_u, path.n_v, path.out.components)
        out = out.index_add(1, places, product.expand(wanted).flatten(1))
    return out


def _gather(x: Tensor, block: Block, path: Path) -> Tensor:
    """The values of a block [batch, u or 1, v or 1, m]. Channels that it does not depend on have size 1."""
    n_u, n_v = path.n_u if block.stride_u else 1, path.n_v if block.stride_v else 1
    return x[:, block.indices(n_u, n_v, x.device)]


def _dense(values: Tensor, path: Path) -> Tensor:
    shape = (path.x1.components, path.x2.components, path.out.components)
    zeros = values.new_zeros(math.prod(shape))
    return zeros.index_add(0, path.positions.like(values), values).view(shape)
