"""The Gay-Berne potential, and pairs and fluids labelled with it."""

import lazy_loader

# PyTorch Geometric takes seconds to import, so nothing here is loaded before it is named
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
