"""Full tensor products: all products of two sets of irreps, or of one set with itself."""

from collections.abc import Iterable, Sequence
from math import comb
from typing import Any

from e3nn import o3
from torch import Tensor

from ..irreps_arguments import to_irrep_list, to_irreps
from ..layer import Layer
from .product_paths import sorted_paths
from .tensor_product import TensorProduct


class FullTensorProduct(TensorProduct):
    r"""All products :math:`z_{uv} = x_u \otimes y_v`, the same as those of e3nn's ``o3.FullTensorProduct``.

    Parameters
    ----------
    irreps_in1, irreps_in2 : Irreps or str
        Irreps of the inputs; they are simplified first.
    filter_ir_out : iterable of Irrep or str, optional
        Irreps of the output; by default all that the products have.
    irrep_normalization : {"component", "norm", "none"}
    layout : {"mul_ir", "ir_mul"}

    Raises
    ------
    ValueError
        If no product has an irrep of `filter_ir_out`, or the normalization or layout is unknown.

    Examples
    --------
    >>> FullTensorProduct("2x0e + 1o", "1o")
    FullTensorProduct(2x0e+1x1o x 1x1o -> 1x0e+2x1o+1x1e+1x2e | 5 paths | 0 weights)
    """

    def __init__(
        self,
        irreps_in1: o3.Irreps | str,
        irreps_in2: o3.Irreps | str,
        filter_ir_out: Iterable[o3.Irrep | str] | None = None,
        irrep_normalization: str = "component",
        layout: str = "mul_ir",
    ) -> None:
        irreps_in1 = to_irreps("irreps_in1", irreps_in1).simplify()
        irreps_in2 = to_irreps("irreps_in2", irreps_in2).simplify()
        products = [
            ((mul_1 * mul_2, ir), (i_1, i_2, "uvuv", False))
            for i_1, (mul_1, ir_1) in enumerate(irreps_in1)
            for i_2, (mul_2, ir_2) in enumerate(irreps_in2)
            for ir in ir_1 * ir_2
        ]
        irreps_out, instructions = _wanted_and_sorted(products, filter_ir_out)
        super().__init__(
            irreps_in1,
            irreps_in2,
            irreps_out,
            instructions,
            irrep_normalization=irrep_normalization,
            layout=layout,
        )


class TensorSquare(Layer):
    r"""All products of a tensor with itself, each once, the same as those of e3nn's ``o3.TensorSquare``.

    They are :math:`x_u \otimes x_v` for channels u and v of two entries, and for channels u < v of one entry.
    Products with u = v are taken for even l; for odd l they vanish.

    Parameters
    ----------
    irreps_in : Irreps or str
        Irreps of the input; they are simplified first.
    filter_ir_out, layout
        As for :class:`FullTensorProduct`.
    irrep_normalization : {"component", "norm", "none"}
        As for :class:`TensorProduct`. For u = v the factors account for equal inputs.

    Raises
    ------
    ValueError
        As for :class:`FullTensorProduct`.

    Examples
    --------
    >>> import torch
    >>> square = TensorSquare("2x1o")
    >>> square
    TensorSquare(2x1o -> 3x0e+1x1e+3x2e | 7 paths | 0 weights)
    >>> square(torch.randn(10, 6)).shape
    torch.Size([10, 21])
    """

    def __init__(
        self,
        irreps_in: o3.Irreps | str,
        filter_ir_out: Iterable[o3.Irrep | str] | None = None,
        irrep_normalization: str = "component",
        layout: str = "mul_ir",
    ) -> None:
        super().__init__()
        self.irreps_in = to_irreps("irreps_in", irreps_in).simplify()
        products = [
            ((mul, ir), (i_1, i_2, mode, False, _factor(mode, ir_1, ir_2, ir, irrep_normalization)))
            for i_1, (mul_1, ir_1) in enumerate(self.irreps_in)
            for i_2, (mul_2, ir_2) in enumerate(self.irreps_in)
            for ir in ir_1 * ir_2
            for mode, mul, exists in (
                ("uvuv", mul_1 * mul_2, i_1 < i_2),
                ("uvu<v", comb(mul_1, 2), i_1 == i_2),
                ("uuu", mul_1, i_1 == i_2 and ir.l % 2 == 0),
            )
            if exists and mul > 0
        ]
        self.irreps_out, instructions = _wanted_and_sorted(products, filter_ir_out)
        self.product = TensorProduct(
            self.irreps_in,
            self.irreps_in,
            self.irreps_out,
            instructions,
            irrep_normalization="none",
            layout=layout,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Multiply features ``(..., irreps_in.dim)`` with themselves, to ``(..., irreps_out.dim)``."""
        product: Tensor = self.product(x, x)
        return product

    def __repr__(self) -> str:
        n_paths = self.irreps_out.num_irreps
        return (
            f"TensorSquare({self.irreps_in} -> {self.irreps_out.simplify()} | {n_paths} paths | "
            "0 weights)"
        )


def _factor(
    mode: str, ir_1: o3.Irrep, ir_2: o3.Irrep, ir: o3.Irrep, irrep_normalization: str
) -> float:
    """Factor of e3nn for a product x ⊗ x, whose inputs are not independent."""
    d = ir_1.dim
    factors: dict[str, float] = {"component": ir.dim, "norm": d * ir_2.dim, "none": 1}
    if mode == "uuu" and ir.l == 0:
        factors |= {"component": 1 / (d + 2), "norm": d}
    elif mode == "uuu":
        factors |= {"component": ir.dim / 2, "norm": d * (d + 2) / 2}
    if irrep_normalization not in factors:
        raise ValueError(
            f"irrep_normalization is {irrep_normalization!r}, expected one of {', '.join(factors)}"
        )
    return factors[irrep_normalization]


def _wanted_and_sorted(
    products: Sequence[tuple[tuple[int, o3.Irrep], tuple[Any, ...]]],
    filter_ir_out: Iterable[o3.Irrep | str] | None,
) -> tuple[o3.Irreps, list[tuple[Any, ...]]]:
    """Select the products with irreps of `filter_ir_out`, and sort them; see :func:`sorted_paths`."""
    if filter_ir_out is not None:
        wanted = to_irrep_list("filter_ir_out", filter_ir_out)
        made = sorted({ir for (_, ir), _ in products})
        products = [product for product in products if product[0][1] in wanted]
        if not products:
            raise ValueError(
                f"filter_ir_out is {wanted}, expected some of {', '.join(map(str, made))}, which the "
                "products have"
            )
    return sorted_paths(products)
