"""Ellipsoids inside MACE: its trainer and its calculator, with torques.

Needs ``pip install "anisoap-e3nn[mace]"``. ``docs/mace.md`` goes from there to a deployed model.
"""

import lazy_loader

# MACE is slow to import: only what is asked for
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
