"""Potentials of a package that is not anisoap-e3nn."""

from .bonds import HarmonicBonds
from .network import NeighborNetwork

__all__ = ["HarmonicBonds", "NeighborNetwork"]
