"""Radial bases by name."""

from collections.abc import Iterable, Sequence
from typing import Any

from ..arguments import not_negative, positive
from .multi_width import MultiWidthGTOBasis
from .radial import GTOBasis, MonomialBasis, RadialBasis


def build_radial_basis(
    radial_basis: str | RadialBasis,
    cutoff: float,
    radial_gaussian_width: float | Sequence[float] | None,
) -> RadialBasis:
    """The radial basis of a given name; a basis given as an object is passed on.

    Parameters
    ----------
    radial_basis : {"gto", "monomial"} or RadialBasis
    cutoff : float
        Range of the monomials, a length.
    radial_gaussian_width : float or sequence of float, optional
        Width of the Gaussian-type orbitals, a length, or several widths. For them alone.

    Raises
    ------
    ValueError
        If the name is unknown, if `radial_gaussian_width` is missing, not positive or given for another
        basis, or if the exponent of a RadialBasis is negative.
    TypeError
        If `radial_basis` is neither a name nor a RadialBasis.
    """
    if not isinstance(radial_basis, str | RadialBasis):
        raise TypeError(
            f"radial_basis is {radial_basis!r}, expected 'gto', 'monomial' or an object of a subclass of "
            "anisoap_e3nn.basis.RadialBasis"
        )
    if radial_basis == "gto":
        if radial_gaussian_width is None:
            raise ValueError("radial_basis='gto' needs radial_gaussian_width (a length)")
        widths = plain_widths(radial_gaussian_width)
        return MultiWidthGTOBasis(tuple(widths)) if isinstance(widths, list) else GTOBasis(widths)
    if isinstance(radial_basis, str) and radial_basis != "monomial":
        raise ValueError(
            f"unknown radial_basis {radial_basis!r}, expected 'gto', 'monomial' or a RadialBasis"
        )
    if radial_gaussian_width is not None:
        raise ValueError(
            f"radial_basis={radial_basis!r} takes no radial_gaussian_width (found "
            f"{radial_gaussian_width}); leave it out"
        )
    if isinstance(radial_basis, str):
        return MonomialBasis(cutoff)
    for exponent in radial_basis.exponents:
        not_negative(f"the exponent of {radial_basis!r}", exponent)
    return radial_basis


def plain_widths(radial_gaussian_width: Any) -> float | list[float]:
    """`radial_gaussian_width` as one number, or as a list of two or more.

    Raises
    ------
    TypeError
        If it is neither a number nor a sequence of numbers.
    ValueError
        If a width is not positive, two are equal, or there is none.
    """
    name = "radial_gaussian_width"
    if isinstance(radial_gaussian_width, str) or not (
        isinstance(radial_gaussian_width, Iterable)
        and getattr(radial_gaussian_width, "ndim", 1) > 0
    ):
        return positive(name, radial_gaussian_width, "length")
    widths = [
        positive(f"{name}[{k}]", each, "length") for k, each in enumerate(radial_gaussian_width)
    ]
    if not widths or len(set(widths)) < len(widths):
        raise ValueError(f"{name} is {widths}, expected one or more lengths, all different")
    return widths[0] if len(widths) == 1 else widths
