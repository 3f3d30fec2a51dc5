"""Tensor products as in e3nn, on sparse kernels."""

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

import torch
from e3nn import o3
from torch import Tensor

from ..arguments import flag, one_of
from ..irreps_arguments import to_irreps
from ..layer import Layer
from ..ops import Path, SparseProduct
from ..tensor_arguments import check_tensors, given
from .chunks import in_chunks
from .instructions import Instruction, checked_instructions, normalized_instructions, wigner_table
from .layout import Entry, entries, paths_between
from .path_weights import InputWeights, PairWeights, WeightedSum

# Pairs of channels that the product computes, where weights are applied to them after it.
_PAIRS = {
    "uvw": "uvuv",
    "uvv": "uvuv",
    "uuw": "uuu",
    "uvuv": "uvuv",
    "uvu<v": "uvu<v",
    "u<vw": "uvu<v",
}


class TensorProduct(Layer):
    r"""Tensor product of irreps, with the arguments and results of e3nn's ``o3.TensorProduct``.

    .. math::
        z_w = \sum_{uv} w_{uvw} \, x_u \otimes y_v

    The mode of each path says which channels u, v and w it has, and which it sums over: ``"uvw"``, ``"uvu"``,
    ``"uvv"``, ``"uuw"``, ``"uuu"``, ``"uvuv"``, ``"uvu<v"`` or ``"u<vw"``.

    One pass over the non-zero coefficients computes the products of all paths. Weights of the modes "uuu" and
    "uvu" are applied to the second input before this pass, those of other modes to the products after it. If
    the intermediate results need more memory than inputs and output, the batch is processed in pieces.

    Parameters
    ----------
    irreps_in1, irreps_in2, irreps_out : Irreps or str
    instructions : sequence of tuple
        One ``(i_in1, i_in2, i_out, mode, has_weight[, path_weight])`` for each path.
    in1_var, in2_var, out_var : sequence of float, optional
        Variances of the entries of inputs and output, 1 by default.
    irrep_normalization : {"component", "norm", "none"}
    path_normalization : {"element", "path", "none"}
    internal_weights : bool, optional
        Whether the weights are a parameter of the module; by default if there are any and they are shared.
    shared_weights : bool, optional
        Whether the whole batch has the same weights, as by default.
    layout : {"mul_ir", "ir_mul"}
        Layout of inputs and output. With "mul_ir", e3nn's layout, the components of a channel are contiguous;
        with "ir_mul" the channels of a component are.

    Attributes
    ----------
    instructions : list of Instruction
        Paths, with factors that include the normalization, as in e3nn.
    weight : Parameter ``(weight_numel,)`` or None
        Weights in e3nn's order, path after path; None if they are not internal.

    Raises
    ------
    ValueError
        If irreps do not couple, multiplicities do not fit the mode, a mode, normalization or layout is
        unknown, or weights are internal but not shared.

    Examples
    --------
    >>> cross = TensorProduct("16x1o", "16x1o", "16x1e", [(0, 0, 0, "uuu", False)])
    >>> cross
    TensorProduct(16x1o x 16x1o -> 16x1e | 16 paths | 0 weights)
    >>> cross(torch.randn(5, 48), torch.randn(5, 48)).shape
    torch.Size([5, 48])
    """

    weight: torch.nn.Parameter | None

    def __init__(
        self,
        irreps_in1: o3.Irreps | str,
        irreps_in2: o3.Irreps | str,
        irreps_out: o3.Irreps | str,
        instructions: Iterable[Sequence[Any]],
        in1_var: Sequence[float] | None = None,
        in2_var: Sequence[float] | None = None,
        out_var: Sequence[float] | None = None,
        irrep_normalization: str = "component",
        path_normalization: str = "element",
        internal_weights: bool | None = None,
        shared_weights: bool | None = None,
        layout: str = "mul_ir",
    ) -> None:
        super().__init__()
        one_of("layout", layout, ("mul_ir", "ir_mul"))
        for name, value in (
            ("internal_weights", internal_weights),
            ("shared_weights", shared_weights),
        ):
            if value is not None:
                flag(name, value)
        self.layout = layout
        irreps = (
            to_irreps("irreps_in1", irreps_in1),
            to_irreps("irreps_in2", irreps_in2),
            to_irreps("irreps_out", irreps_out),
        )
        self.irreps_in1, self.irreps_in2, self.irreps_out = irreps
        self.instructions: list[Instruction] = normalized_instructions(
            *irreps,
            checked_instructions(*irreps, instructions),
            (in1_var, in2_var, out_var),
            irrep_normalization,
            path_normalization,
        )
        self.weight_numel = sum(ins.n_weights for ins in self.instructions)
        self.shared_weights = shared_weights is not False
        if internal_weights is None:
            internal_weights = self.shared_weights and self.weight_numel > 0
        if internal_weights and not self.shared_weights:
            raise ValueError(
                "internal_weights=True needs shared weights; with shared_weights=False each member of the "
                "batch has weights of its own, so give them to forward"
            )
        weight = torch.nn.Parameter(torch.randn(self.weight_numel)) if internal_weights else None
        self.register_parameter("weight", weight)
        self._plan()

    @classmethod
    def from_e3nn(cls, product: o3.TensorProduct) -> "TensorProduct":
        """Convert any tensor product of e3nn; the weight parameter is the same object."""
        ours = cls(
            product.irreps_in1,
            product.irreps_in2,
            product.irreps_out,
            [(*ins[:5], ins.path_weight**2) for ins in product.instructions],
            irrep_normalization="none",
            path_normalization="none",
            internal_weights=product.internal_weights,
            shared_weights=product.shared_weights,
        )
        if product.internal_weights:
            ours.weight = product.weight
        return ours

    def _plan(self) -> None:
        """Split the paths: x1 ⊗ x2 to the output, x1 ⊗ y with weighted channels y of x2, and to pairs."""
        # as integers, since torch.compile cannot look at irreps
        self._dims = self.irreps_in1.dim, self.irreps_in2.dim, self.irreps_out.dim
        dim1, dim2, dim_out = self._dims
        in1 = entries(self.irreps_in1, self.layout)
        in2 = entries(self.irreps_in2, self.layout)
        all_out = entries(self.irreps_out, self.layout)
        from_x, from_y, to_pairs = list[Path](), list[Path](), list[Path]()
        to_y, from_pairs = list[WeightedSum](), list[WeightedSum]()
        first_weight = 0
        for ins in self.instructions:
            if 0 in ins.path_shape:
                continue
            x1, x2, out = in1[ins.i_in1], in2[ins.i_in2], all_out[ins.i_out]
            mode, shape = ins.connection_mode, ins.path_shape
            table = wigner_table(x1.dim // 2, x2.dim // 2, out.dim // 2)
            table = table._replace(coefficients=ins.path_weight * table.coefficients)
            if not ins.has_weight:
                from_x += paths_between(x1, x2, out, mode, table)
            elif mode in _PAIRS:
                n_pairs = prod(shape[:-1] if mode.endswith("w") else shape)
                offset = from_pairs[-1].source.end if from_pairs else 0
                pairs = Entry.at(offset, n_pairs, out.dim, "ir_mul")  # for matrix products
                to_pairs += paths_between(x1, x2, pairs, _PAIRS[mode], table)
                from_pairs.append(WeightedSum(mode, first_weight, shape, pairs, out))
            else:
                y = Entry.at(to_y[-1].target.end if to_y else 0, out.mul, x2.dim)
                to_y.append(WeightedSum(mode, first_weight, shape, x2, y))
                from_y += paths_between(x1, y, out, "uuu", table)
            first_weight += ins.n_weights

        self._x2_to_y = InputWeights(to_y, dim2, self.weight_numel, self.shared_weights)
        self._pairs_to_out = PairWeights(from_pairs, all_out)
        dim_y, dim_pairs = self._x2_to_y.dim_out, self._pairs_to_out.dim_in
        self._from_x = SparseProduct(from_x, dim1, dim2, dim_out)
        self._from_y = SparseProduct(from_y, dim1, dim_y, dim_out)
        self._to_pairs = SparseProduct(to_pairs, dim1, dim2, dim_pairs)
        own_weights = 0 if self.shared_weights else self.weight_numel
        self._n_chunks = -(-(dim_y + dim_pairs) // max(dim1 + dim2 + dim_out + own_weights, 1))

    def forward(self, x1: Tensor, x2: Tensor, weight: Tensor | None = None) -> Tensor:
        """Multiply two batches, member by member.

        Parameters
        ----------
        x1, x2 : Tensor ``(..., irreps_in1.dim)``, ``(..., irreps_in2.dim)``
            Inputs whose leading dimensions broadcast.
        weight : Tensor ``(weight_numel,)`` or ``(..., weight_numel)``, optional
            Weights, shared or one set for each member; needed if they are not internal.

        Returns
        -------
        Tensor ``(..., irreps_out.dim)``

        Raises
        ------
        ValueError
            If a dimension does not fit, or weights are missing.
        """
        check_tensors(x1=x1, x2=x2, **given(weight=weight))
        weight = self._weights(weight, like=x1)
        for name, x, dim in (("x1", x1, self._dims[0]), ("x2", x2, self._dims[1])):
            if x.dim() == 0 or x.shape[-1] != dim:
                raise ValueError(
                    f"{name} has shape {tuple(x.shape)}, expected the last dimension {dim} for {self}"
                )
        batched = [x1, x2] if self.shared_weights else [x1, x2, weight]
        try:
            # of tensors: shapes alone would freeze the sizes of a traced graph
            leading = torch.broadcast_tensors(*(x[..., 0] for x in batched))[0].shape
        except RuntimeError as error:
            shapes = ", ".join(str(tuple(x.shape)) for x in batched)
            raise ValueError(
                f"x1, x2 and weight have the shapes {shapes}, expected leading dimensions that broadcast"
            ) from error
        flat = [x.expand(*leading, -1).reshape(prod(leading), x.shape[-1]) for x in batched]
        others = [weight] if self.shared_weights else []
        out = in_chunks(self._product, self._n_chunks, flat, *others)  # -> [batch, irreps_out.dim]
        return out.view(*leading, self._dims[2])

    def _product(self, x1: Tensor, x2: Tensor, weight: Tensor) -> Tensor:
        terms = []  # -> [batch, irreps_out.dim] each
        if self._from_y.plan.paths:
            terms.append(self._from_y(x1, self._x2_to_y(x2, weight)))
        if self._to_pairs.plan.paths:
            terms.append(self._pairs_to_out(self._to_pairs(x1, x2), weight))
        if self._from_x.plan.paths or not terms:
            terms.append(self._from_x(x1, x2))
        return sum(terms[1:], start=terms[0])

    def _weights(self, weight: Tensor | None, like: Tensor) -> Tensor:
        weight = self.weight if weight is None else weight
        if weight is None:
            if self.weight_numel > 0:
                raise ValueError(
                    f"weight is missing: this product has no internal weights, expected {self.weight_numel}"
                )
            return like.new_empty(0)
        expected_ndim = (
            "one dimension" if self.shared_weights else "the batch and one more dimension"
        )
        if weight.shape[-1:] != (self.weight_numel,) or (weight.ndim == 1) != self.shared_weights:
            raise ValueError(
                f"weight has shape {tuple(weight.shape)}, expected {expected_ndim} of "
                f"{self.weight_numel}"
            )
        return weight

    def __repr__(self) -> str:
        n_paths = sum(prod(ins.path_shape) for ins in self.instructions)
        return (
            f"{type(self).__name__}({self.irreps_in1.simplify()} x {self.irreps_in2.simplify()} -> "
            f"{self.irreps_out.simplify()} | {n_paths} paths | {self.weight_numel} weights)"
        )
