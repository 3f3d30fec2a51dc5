"""Message-passing networks on the density of ellipsoids."""

from .edge_features import EdgeFeatures
from .mace_style import MACEStylePotential
from .message_passing import MessagePassingPotential
from .nequip_style import NequIPStylePotential

__all__ = [
    "EdgeFeatures",
    "MACEStylePotential",
    "MessagePassingPotential",
    "NequIPStylePotential",
]
