"""Particles in: the data class, readers of files, molecules as ellipsoids, and Gay-Berne fluids."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .coarse_graining import coarse_grain, iterate_coarse_grained
    from .connectivity import find_molecules
    from .ellipsoid_data import EllipsoidData
    from .gay_berne import GayBerne
    from .gay_berne_dimers import gay_berne_pairs
    from .gay_berne_fluid import gay_berne_fluids
    from .gay_berne_frames import label_frames, triaxial_gay_berne
    from .readers import count_frames, iterate_ellipsoids, read_ellipsoids

__all__ = [
    "EllipsoidData",
    "GayBerne",
    "coarse_grain",
    "count_frames",
    "find_molecules",
    "gay_berne_fluids",
    "gay_berne_pairs",
    "iterate_coarse_grained",
    "iterate_ellipsoids",
    "label_frames",
    "read_ellipsoids",
    "triaxial_gay_berne",
]

_HOMES = {
    "EllipsoidData": "ellipsoid_data",
    "GayBerne": "gay_berne",
    "coarse_grain": "coarse_graining",
    "count_frames": "readers",
    "find_molecules": "connectivity",
    "gay_berne_fluids": "gay_berne_fluid",
    "gay_berne_pairs": "gay_berne_dimers",
    "iterate_coarse_grained": "coarse_graining",
    "iterate_ellipsoids": "readers",
    "label_frames": "gay_berne_frames",
    "read_ellipsoids": "readers",
    "triaxial_gay_berne": "gay_berne_frames",
}


def __getattr__(name: str) -> Any:
    # PyTorch Geometric takes seconds to import, so nothing here is loaded before it is named
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
