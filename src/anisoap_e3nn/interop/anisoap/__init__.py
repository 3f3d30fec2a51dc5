"""AniSOAP's interface on this package's kernels, for scripts written for AniSOAP.

Instead of ``anisoap.representations`` and ``anisoap.utils``:

>>> from anisoap_e3nn.interop.anisoap import (
...     ClebschGordanReal, EllipsoidalDensityProjection, cg_combine, standardize_keys,
... )
"""

from .clebsch_gordan import ClebschGordanReal
from .density_projection import EllipsoidalDensityProjection
from .products import cg_combine, standardize_keys

__all__ = ["ClebschGordanReal", "EllipsoidalDensityProjection", "cg_combine", "standardize_keys"]
