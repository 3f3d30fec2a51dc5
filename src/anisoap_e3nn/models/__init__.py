"""Energy models, and what follows from their energies."""

from .compilation import compile_mechanics, export_energy, graph_tensors
from .mechanics import Mechanics, mechanics
from .particle_shapes import ParticleShapes

__all__ = [
    "Mechanics",
    "ParticleShapes",
    "compile_mechanics",
    "export_energy",
    "graph_tensors",
    "mechanics",
]
