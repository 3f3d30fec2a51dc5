"""Particles in: the data class, the readers of files, and molecules turned into ellipsoids."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anisoap_e3nn.data.coarse_graining import coarse_grain, find_molecules
    from anisoap_e3nn.data.ellipsoid_data import EllipsoidData
    from anisoap_e3nn.data.readers import iterate_ellipsoids, read_ellipsoids

__all__ = [
    "EllipsoidData",
    "coarse_grain",
    "find_molecules",
    "iterate_ellipsoids",
    "read_ellipsoids",
]

_HOMES = {
    "EllipsoidData": "ellipsoid_data",
    "coarse_grain": "coarse_graining",
    "find_molecules": "coarse_graining",
    "iterate_ellipsoids": "readers",
    "read_ellipsoids": "readers",
}


def __getattr__(name: str) -> Any:
    # PyTorch Geometric takes seconds to import, so nothing here is loaded before it is named
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
