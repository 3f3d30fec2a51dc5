"""Energies of particles, and what follows from them: forces, torques, virial."""

from .checkpoint import load_model, save_model
from .compilation import compile_mechanics, export_energy, graph_tensors
from .many_body import ManyBodyPotential
from .mechanics import Mechanics, mechanics
from .one_body import OneBodyPotential
from .pair.potential import PairPotential
from .particle_shapes import ParticleShapes
from .stacked import StackedPotential

__all__ = [
    "ManyBodyPotential",
    "Mechanics",
    "OneBodyPotential",
    "PairPotential",
    "ParticleShapes",
    "StackedPotential",
    "compile_mechanics",
    "export_energy",
    "graph_tensors",
    "load_model",
    "mechanics",
    "save_model",
]
