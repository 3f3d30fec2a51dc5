"""Densities of ellipsoids as e3nn irreps."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch

# e3nn 0.4 keeps slices in a file that torch, since 2.6, opens only if it is told to trust them
torch.serialization.add_safe_globals([slice])

from .nn import AniSOAPEmbedding  # noqa: E402

if TYPE_CHECKING:
    from .data import EllipsoidData

__version__ = "0.1.0"
__all__ = ["AniSOAPEmbedding", "EllipsoidData", "__version__"]


def __getattr__(name: str) -> Any:
    # torch-geometric is optional and slow to import, so what needs it is imported when asked for
    if name == "EllipsoidData":
        return import_module(".data", __name__).EllipsoidData
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
