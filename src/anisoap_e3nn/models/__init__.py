"""Energy models, and what follows from their energies."""

from .checkpoint import load_model, save_model
from .compilation import compile_mechanics, export_energy, graph_tensors
from .dynamics import NVE, Langevin
from .force_field import ForceField
from .linear_fit import RSquared, fit_linear, r_squared
from .loss import MechanicsLoss
from .mace_style import MACEStylePotential
from .many_body import ManyBodyPotential
from .mechanics import Mechanics, mechanics
from .nequip_style import NequIPStylePotential
from .one_body import OneBodyPotential
from .pair import PairPotential
from .particle_shapes import ParticleShapes
from .prediction import predict
from .rigid_bodies import RigidBodies
from .stacked import StackedPotential

__all__ = [
    "NVE",
    "ForceField",
    "Langevin",
    "MACEStylePotential",
    "ManyBodyPotential",
    "Mechanics",
    "MechanicsLoss",
    "NequIPStylePotential",
    "OneBodyPotential",
    "PairPotential",
    "ParticleShapes",
    "RSquared",
    "RigidBodies",
    "StackedPotential",
    "compile_mechanics",
    "export_energy",
    "fit_linear",
    "graph_tensors",
    "load_model",
    "mechanics",
    "predict",
    "r_squared",
    "save_model",
]
