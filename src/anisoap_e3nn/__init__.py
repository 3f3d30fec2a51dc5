"""Densities of ellipsoids as e3nn irreps."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch

# e3nn 0.4 keeps slices in a file that torch, since 2.6, opens only if it is told to trust them
torch.serialization.add_safe_globals([slice])

from .extras import let_torchscript_select  # noqa: E402
from .nn import AniSOAPEmbedding, PowerSpectrum  # noqa: E402

if TYPE_CHECKING:
    from .data import EllipsoidData
    from .interop.metatensor import e3nn_to_metatensor, metatensor_to_e3nn

__version__ = "0.1.0"
__all__ = [
    "AniSOAPEmbedding",
    "EllipsoidData",
    "PowerSpectrum",
    "__version__",
    "e3nn_to_metatensor",
    "metatensor_to_e3nn",
]

let_torchscript_select()  # so that metatensor.torch and torch_geometric import in any order

_HOMES = {
    "EllipsoidData": ".data",
    "e3nn_to_metatensor": ".interop.metatensor",
    "metatensor_to_e3nn": ".interop.metatensor",
}


def __getattr__(name: str) -> Any:
    # torch-geometric and metatensor are optional and slow to import: only when they are asked for
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
