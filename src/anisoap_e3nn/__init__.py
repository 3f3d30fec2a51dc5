"""Densities of ellipsoids as e3nn irreps."""

import lazy_loader
import torch

torch.serialization.add_safe_globals([slice])  # e3nn 0.4 keeps one in its file of constants

__version__ = "0.2.0"
# torch-geometric and metatensor are slow to import: only when they are asked for
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
