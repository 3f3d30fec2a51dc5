"""Paths of tensor products: the irreps that they make, and instructions for a TensorProduct."""

from collections.abc import Iterable
from typing import Any

from e3nn import o3


def product_paths(
    irreps_in1: o3.Irreps,
    irreps_in2: o3.Irreps,
    irreps_wanted: o3.Irreps,
    mode: str,
    has_weight: bool,
    square: bool = False,
) -> tuple[o3.Irreps, list[tuple[Any, ...]]]:
    """All paths that keep the channels of the first input.

    Parameters
    ----------
    irreps_in1, irreps_in2 : Irreps
    irreps_wanted : Irreps
        Products of other irreps are left out. Multiplicities do not matter.
    mode : {"uuu", "uvu"}
        As for :class:`~anisoap_e3nn.nn.TensorProduct`.
    has_weight : bool
        Whether the paths have weights.
    square : bool
        Whether both inputs are the same tensor. With "uuu" each pair of entries then occurs once, and
        products that are antisymmetric, and so vanish, are left out.

    Returns
    -------
    irreps_out : Irreps
        Sorted, one entry for each path.
    instructions : list of tuple

    Examples
    --------
    >>> features, harmonics = o3.Irreps("4x0e + 4x1o"), o3.Irreps("0e + 1o")
    >>> product_paths(features, harmonics, o3.Irreps("0e"), "uvu", has_weight=True)
    (4x0e+4x0e, [(0, 0, 0, 'uvu', True), (1, 1, 1, 'uvu', True)])
    """
    products = [
        ((mul, ir), (i_1, i_2, mode, has_weight))
        for i_1, (mul, ir_1) in enumerate(irreps_in1)
        for i_2, (_, ir_2) in enumerate(irreps_in2)
        for ir in ir_1 * ir_2
        if ir in irreps_wanted and not (square and (i_1 > i_2 or (i_1 == i_2 and ir.l % 2 == 1)))
    ]
    return sorted_paths(products)


def sorted_paths(
    products: Iterable[tuple[tuple[int, o3.Irrep], tuple[Any, ...]]],
) -> tuple[o3.Irreps, list[tuple[Any, ...]]]:
    """Sort products by irrep and number their outputs.

    Parameters
    ----------
    products : iterable of tuple
        ``((mul, ir), (i_in1, i_in2, mode, has_weight, ...))``: the output of each product, and its
        instruction without `i_out`.

    Returns
    -------
    irreps_out : Irreps
        One entry for each product.
    instructions : list of tuple
        With `i_out`, in the order of `products`.
    """
    products = list(products)
    irreps_out, places, _ = o3.Irreps([mul_ir for mul_ir, _ in products]).sort()
    instructions = [
        (i_1, i_2, i_out, *rest)
        for i_out, (_, (i_1, i_2, *rest)) in zip(places, products, strict=True)
    ]
    return irreps_out, instructions
