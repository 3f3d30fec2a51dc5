"""AniSOAP's calculator and Clebsch-Gordan products, on this package's kernels.

Scripts written for AniSOAP run on it after one change. Instead of from ``anisoap.representations`` and
``anisoap.utils`` they import from here:

>>> from anisoap_e3nn.interop.anisoap import (
...     ClebschGordanReal, EllipsoidalDensityProjection, cg_combine, standardize_keys,
... )
"""

from .clebsch_gordan import ClebschGordanReal
from .density_projection import EllipsoidalDensityProjection
from .products import cg_combine, standardize_keys

__all__ = ["ClebschGordanReal", "EllipsoidalDensityProjection", "cg_combine", "standardize_keys"]
