"""Particles in: the data class, the readers of files, and molecules turned into ellipsoids."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .coarse_graining import coarse_grain, iterate_coarse_grained
    from .connectivity import find_molecules
    from .ellipsoid_data import EllipsoidData
    from .gay_berne import GayBerne
    from .readers import count_frames, iterate_ellipsoids, read_ellipsoids

__all__ = [
    "EllipsoidData",
    "GayBerne",
    "coarse_grain",
    "count_frames",
    "find_molecules",
    "iterate_coarse_grained",
    "iterate_ellipsoids",
    "read_ellipsoids",
]

_HOMES = {
    "EllipsoidData": "ellipsoid_data",
    "GayBerne": "gay_berne",
    "coarse_grain": "coarse_graining",
    "count_frames": "readers",
    "find_molecules": "connectivity",
    "iterate_coarse_grained": "coarse_graining",
    "iterate_ellipsoids": "readers",
    "read_ellipsoids": "readers",
}


def __getattr__(name: str) -> Any:
    # PyTorch Geometric takes seconds to import, so nothing here is loaded before it is named
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
