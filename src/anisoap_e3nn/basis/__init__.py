"""Radial bases, solid harmonics and the constant matrix from Cartesian moments to coefficients."""

from .multi_width import MultiWidthGTOBasis
from .named_bases import build_radial_basis
from .projection import MomentProjection
from .radial import GTOBasis, MonomialBasis, OrthonormalizedBasis, RadialBasis
from .radial_counts import radial_counts
from .solid_harmonics import solid_harmonic
from .unit import unit_of_moments

__all__ = [
    "GTOBasis",
    "MomentProjection",
    "MonomialBasis",
    "MultiWidthGTOBasis",
    "OrthonormalizedBasis",
    "RadialBasis",
    "build_radial_basis",
    "radial_counts",
    "solid_harmonic",
    "unit_of_moments",
]
