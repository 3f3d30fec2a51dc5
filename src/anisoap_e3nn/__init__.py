"""Densities of ellipsoids as e3nn irreps."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .nn import AniSOAPEmbedding

if TYPE_CHECKING:
    from .data import EllipsoidData

__version__ = "0.1.0"
__all__ = ["AniSOAPEmbedding", "EllipsoidData", "__version__"]


def __getattr__(name: str) -> Any:
    # torch-geometric is optional and slow to import, so what needs it is imported when asked for
    if name == "EllipsoidData":
        return import_module(".data", __name__).EllipsoidData
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
