"""Radial bases, solid harmonics and the constant matrix from Cartesian moments to coefficients."""

from .projection import MomentProjection
from .radial import (
    GTOBasis,
    MonomialBasis,
    OrthonormalizedBasis,
    RadialBasis,
    build_radial_basis,
)
from .radial_counts import radial_counts
from .solid_harmonics import solid_harmonic
from .unit import unit_of_moments

__all__ = [
    "GTOBasis",
    "MomentProjection",
    "MonomialBasis",
    "OrthonormalizedBasis",
    "RadialBasis",
    "build_radial_basis",
    "radial_counts",
    "solid_harmonic",
    "unit_of_moments",
]
