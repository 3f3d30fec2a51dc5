"""Message-passing networks on the density of ellipsoids."""

from .mace_style import MACEStylePotential
from .nequip_style import NequIPStylePotential

__all__ = ["MACEStylePotential", "NequIPStylePotential"]
