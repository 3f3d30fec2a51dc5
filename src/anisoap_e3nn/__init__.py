"""Densities of ellipsoids as e3nn irreps."""

import lazy_loader
import torch

with torch.serialization.safe_globals([slice]):  # which e3nn 0.4 keeps in its file of constants
    import e3nn  # noqa: F401

__version__ = "0.2.0"
# torch-geometric and metatensor are slow to import: only when they are asked for
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
