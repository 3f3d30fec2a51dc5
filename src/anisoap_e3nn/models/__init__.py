"""Energy models, and what follows from their energies."""

from .compilation import compile_mechanics, export_energy, graph_tensors
from .dynamics import NVE, Langevin
from .mechanics import Mechanics, mechanics
from .particle_shapes import ParticleShapes
from .rigid_bodies import RigidBodies

__all__ = [
    "NVE",
    "Langevin",
    "Mechanics",
    "ParticleShapes",
    "RigidBodies",
    "compile_mechanics",
    "export_energy",
    "graph_tensors",
    "mechanics",
]
