"""nequip's product and sum over edges, as one operation of ours."""

import torch
from nequip.nn._tp_scatter_base import TensorProductScatter
from torch import Tensor

from ...default_dtype import default_dtype
from ...nn import TensorProductConvolution


class SparseProductScatter(torch.nn.Module):
    r"""Weighted products of neighbours' features with harmonics of the edges, summed at the centres.

    .. math:: m_i = \sum_{j \in N(i)} W_{ij} \, (x_j \otimes Y_{ij})

    Parameters
    ----------
    scatter : nequip.nn.TensorProductScatter
        The module that this one replaces. It keeps e3nn's product, whose state is that of the model.
    """

    _nequip_custom_ops_libs = ("anisoap_e3nn.ops",)

    def __init__(self, scatter: TensorProductScatter) -> None:
        super().__init__()
        self.tp = scatter.tp
        with default_dtype(scatter.model_dtype):
            self.convolution = TensorProductConvolution.from_e3nn(scatter.tp)

    def forward(
        self,
        x: Tensor,
        edge_attr: Tensor,
        edge_weight: Tensor,
        edge_dst: Tensor,
        edge_src: Tensor,
    ) -> Tensor:
        """Compute the sums.

        Parameters
        ----------
        x : Tensor ``(N, dim)``
            Features of the particles.
        edge_attr : Tensor ``(edge, dim)``
            Harmonics.
        edge_weight : Tensor ``(edge, weight)``
        edge_dst, edge_src : Tensor ``(edge,)``, int64
            Centres and neighbours.

        Returns
        -------
        Tensor ``(N, dim)``
        """
        edge_index = torch.stack([edge_src, edge_dst])  # -> [2, edge]
        out: Tensor = self.convolution(x, edge_attr, edge_weight, edge_index)
        return out
