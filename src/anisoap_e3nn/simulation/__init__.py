"""Dynamics of rigid bodies."""

from .force_field import ForceField
from .integrators import NVE, Dynamics, Langevin
from .rigid_bodies import RigidBodies

__all__ = ["NVE", "Dynamics", "ForceField", "Langevin", "RigidBodies"]
