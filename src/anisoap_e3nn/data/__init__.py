"""Ellipsoids as data: the data class, file readers and coarse-graining."""

import lazy_loader

# PyTorch Geometric takes seconds to import, so names are imported on first use
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
