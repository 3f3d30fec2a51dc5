"""Backend ``torch``: the definition of convolutions, on any device and with derivatives of any order."""

import torch
from torch import Tensor

from ..convolution_plan import ConvolutionPlan


def convolution(
    x: Tensor, harmonics: Tensor, weights: Tensor, edge_index: Tensor, plan: ConvolutionPlan
) -> Tensor:
    """See :func:`anisoap_e3nn.ops.convolution`; coefficients are expanded to dense tensors."""
    neighbors, centers = edge_index.unbind()
    x_neighbors = x.index_select(0, neighbors)  # -> [edge, dim]
    out = x.new_zeros(x.shape[0], plan.dims[3])
    for path, table in zip(plan.paths, plan.tables, strict=True):
        n, (d1, d2, d3), at_x, at_harmonics, at_weights, at_out, *_ = path
        if n == 0:
            continue
        x_path = x_neighbors[:, at_x : at_x + n * d1].unflatten(
            1, (n, d1)
        )  # -> [edge, channel, m1]
        w = weights[:, at_weights : at_weights + n, None]  # -> [edge, channel, 1]
        y = harmonics[:, at_harmonics : at_harmonics + d2]  # -> [edge, m2]
        # products of two: torch.einsum of more would fix the sizes of a traced graph
        matrices = torch.einsum("ej,ijk->eik", y, table.like(x))  # -> [edge, m1, m3]
        messages = torch.einsum("eui,eik->euk", w * x_path, matrices)  # -> [edge, channel, m3]
        sums = torch.zeros_like(out[:, : n * d3]).index_add(0, centers, messages.flatten(1))
        places = torch.arange(at_out, at_out + n * d3, device=x.device)
        out = out.index_add(1, places, sums)
    return out
