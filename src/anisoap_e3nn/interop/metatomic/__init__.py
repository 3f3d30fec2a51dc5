"""Potentials of ellipsoids as models of metatomic.

Needs ``pip install "anisoap-e3nn[metatomic]"``.
"""

from .export import export_metatomic
from .systems import metatomic_system

__all__ = ["export_metatomic", "metatomic_system"]
