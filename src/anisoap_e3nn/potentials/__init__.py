"""Potentials: energies of particles, their forces, torques and virial, and checkpoints."""

from ..data.mechanics import Mechanics
from .checkpoint import load_model, read_metadata, save_model
from .compilation import compile_mechanics, export_energy, graph_tensors
from .configuration import cutoff_of
from .many_body import ManyBodyPotential
from .mechanics import mechanics
from .one_body import OneBodyPotential
from .pair.gaps import smallest_gap
from .pair.potential import PairPotential
from .pair.repulsion import SurfaceRepulsion
from .particle_shapes import ParticleShapes
from .potential import Analytic, Design, Linear, Potential
from .stacked import StackedPotential

__all__ = [
    "Analytic",
    "Design",
    "Linear",
    "ManyBodyPotential",
    "Mechanics",
    "OneBodyPotential",
    "PairPotential",
    "ParticleShapes",
    "Potential",
    "StackedPotential",
    "SurfaceRepulsion",
    "compile_mechanics",
    "cutoff_of",
    "export_energy",
    "graph_tensors",
    "load_model",
    "mechanics",
    "read_metadata",
    "save_model",
    "smallest_gap",
]
