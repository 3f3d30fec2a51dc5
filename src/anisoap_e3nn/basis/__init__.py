"""The constant matrix from Cartesian moments to spherical coefficients."""

from .projection import MomentProjection
from .radial import GTOBasis, MonomialBasis, RadialBasis, build_radial_basis, radial_counts
from .solid_harmonics import solid_harmonic

__all__ = [
    "GTOBasis",
    "MomentProjection",
    "MonomialBasis",
    "RadialBasis",
    "build_radial_basis",
    "radial_counts",
    "solid_harmonic",
]
