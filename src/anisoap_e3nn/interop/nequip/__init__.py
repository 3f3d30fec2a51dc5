"""Ellipsoids inside nequip: its trainer, its compiler and its calculator, with torques.

Needs ``pip install "anisoap-e3nn[nequip]"``. ``docs/nequip.md`` goes from there to a deployed model.
"""

import lazy_loader

# nequip is slow to import, and imports one of these modules itself: only what is asked for
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
