"""Energy models, and what follows from their energies."""

from .mechanics import Mechanics, mechanics

__all__ = ["Mechanics", "mechanics"]
