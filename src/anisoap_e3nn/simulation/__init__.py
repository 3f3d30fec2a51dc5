"""Dynamics of rigid bodies."""

from .blow_up import BlowUpError, BlowUpWatch
from .force_field import ForceField
from .integrators import NVE, Dynamics, Langevin
from .rigid_bodies import RigidBodies
from .state_file import load_state, save_state
from .structure import Structure, structure

__all__ = [
    "NVE",
    "BlowUpError",
    "BlowUpWatch",
    "Dynamics",
    "ForceField",
    "Langevin",
    "RigidBodies",
    "Structure",
    "load_state",
    "save_state",
    "structure",
]
