"""Convolutions over edges, with the paths and weights of e3nn's tensor products."""

from collections.abc import Iterable, Sequence
from typing import Any

from e3nn import o3
from torch import Tensor

from ..irreps_arguments import to_irreps
from ..layer import Layer
from ..ops import ConvolutionPath, ConvolutionPlan, convolution
from ..tensor_arguments import check_tensors
from .instructions import Instruction, checked_instructions, normalized_instructions, wigner_table
from .layout import entries


class TensorProductConvolution(Layer):
    r"""Sum over the edges of a particle of its neighbours' features times the edges' harmonics.

    .. math::
        z_{i u} = \sum_{e: j \to i} w_{e u} \, x_{j u} \otimes y_e

    for each path, with weights of each edge. The result is that of a ``TensorProduct`` of the neighbours'
    features with the mode "uvu", summed at the centres. On the CPU and on NVIDIA GPUs the features are
    gathered, multiplied, weighted and summed in one pass over the edges, and the messages are never stored;
    see :func:`~anisoap_e3nn.ops.convolution`.

    Parameters
    ----------
    irreps_in1 : Irreps or str
        Irreps of the features x.
    irreps_in2 : Irreps or str
        Irreps of y, one channel each.
    irreps_out : Irreps or str
        Irreps of the sums z.
    instructions : sequence of tuple
        One ``(i_in1, i_in2, i_out, "uvu", True[, path_weight])`` for each path.
    irrep_normalization : {"component", "norm", "none"}
    path_normalization : {"element", "path", "none"}

    Attributes
    ----------
    instructions : list of Instruction
        Paths, with factors that include the normalization, as in e3nn.
    weight_numel : int
        Number of weights of an edge.

    Raises
    ------
    ValueError
        If irreps do not couple, a mode is not "uvu", a path has no weights, y has several channels, x and z
        have different numbers of channels, or a normalization is unknown.

    Examples
    --------
    >>> import torch
    >>> convolve = TensorProductConvolution("8x0e", "0e + 1o", "8x1o", [(0, 1, 0, "uvu", True)])
    >>> convolve
    TensorProductConvolution(8x0e x 1x0e+1x1o -> 8x1o | 8 weights)
    >>> edge_index = torch.tensor([[0, 1, 2], [1, 0, 0]])
    >>> x, y, weights = torch.randn(3, 8), torch.randn(3, 4), torch.randn(3, convolve.weight_numel)
    >>> convolve(x, y, weights, edge_index).shape
    torch.Size([3, 24])
    """

    def __init__(
        self,
        irreps_in1: o3.Irreps | str,
        irreps_in2: o3.Irreps | str,
        irreps_out: o3.Irreps | str,
        instructions: Iterable[Sequence[Any]],
        irrep_normalization: str = "component",
        path_normalization: str = "element",
    ) -> None:
        super().__init__()
        irreps = (
            to_irreps("irreps_in1", irreps_in1),
            to_irreps("irreps_in2", irreps_in2),
            to_irreps("irreps_out", irreps_out),
        )
        self.irreps_in1, self.irreps_in2, self.irreps_out = irreps
        checked = checked_instructions(*irreps, instructions)
        for ins in checked:
            if ins.connection_mode != "uvu" or not ins.has_weight or ins.path_shape[1] != 1:
                raise ValueError(
                    f"instruction {ins[:5]} has the mode {ins.connection_mode!r}, "
                    f"{'weights' if ins.has_weight else 'no weights'} and {irreps[1][ins.i_in2].mul} "
                    "channels of y, expected 'uvu', weights and one channel; use TensorProduct and index_add"
                )
        self.instructions: list[Instruction] = normalized_instructions(
            *irreps, checked, (None, None, None), irrep_normalization, path_normalization
        )
        self.weight_numel = sum(ins.n_weights for ins in self.instructions)
        self.plan = ConvolutionPlan(
            tuple(self._paths()), (irreps[0].dim, irreps[1].dim, self.weight_numel, irreps[2].dim)
        )

    @classmethod
    def from_e3nn(cls, product: o3.TensorProduct) -> "TensorProductConvolution":
        """Convert a tensor product of e3nn whose weights are given for each member of the batch.

        Raises
        ------
        ValueError
            If its weights are shared, or see the class.
        """
        if product.shared_weights:
            raise ValueError(
                "found a tensor product with shared weights, expected shared_weights=False: each edge of a "
                "convolution has weights of its own"
            )
        return cls(
            product.irreps_in1,
            product.irreps_in2,
            product.irreps_out,
            [(*ins[:5], ins.path_weight**2) for ins in product.instructions],
            irrep_normalization="none",
            path_normalization="none",
        )

    def _paths(self) -> Iterable[ConvolutionPath]:
        x = entries(self.irreps_in1)
        harmonics = entries(self.irreps_in2)
        out = entries(self.irreps_out)
        first_weight = 0
        for ins in self.instructions:
            parts = x[ins.i_in1], harmonics[ins.i_in2], out[ins.i_out]
            m1, m2, m3, coefficients = wigner_table(*(part.dim // 2 for part in parts))
            yield ConvolutionPath(
                parts[0].mul,
                (parts[0].dim, parts[1].dim, parts[2].dim),
                parts[0].offset,
                parts[1].offset,
                first_weight,
                parts[2].offset,
                m1.tolist(),
                m2.tolist(),
                m3.tolist(),
                (ins.path_weight * coefficients).tolist(),
            )
            first_weight += ins.n_weights

    def forward(self, x: Tensor, harmonics: Tensor, weights: Tensor, edge_index: Tensor) -> Tensor:
        """Sum the messages of the edges at their centres.

        Parameters
        ----------
        x : Tensor ``(N, irreps_in1.dim)``
        harmonics : Tensor ``(edge, irreps_in2.dim)``
        weights : Tensor ``(edge, weight_numel)``
            In e3nn's order, path after path.
        edge_index : Tensor ``(2, edge)``, int64
            Neighbours (row 0) and centres (row 1).

        Returns
        -------
        Tensor ``(N, irreps_out.dim)``
            Zero for particles without edges.

        Raises
        ------
        ValueError, TypeError, IndexError
            See :func:`~anisoap_e3nn.ops.convolution`.
        """
        check_tensors(x=x, harmonics=harmonics, weights=weights, edge_index=edge_index)
        return convolution(x, harmonics, weights, edge_index, self.plan)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.irreps_in1.simplify()} x {self.irreps_in2} -> "
            f"{self.irreps_out.simplify()} | {self.weight_numel} weights)"
        )
