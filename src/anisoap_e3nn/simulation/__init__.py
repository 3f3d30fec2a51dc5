"""Dynamics of rigid bodies."""

from .force_field import ForceField
from .integrators import NVE, Langevin
from .rigid_bodies import RigidBodies

__all__ = ["NVE", "ForceField", "Langevin", "RigidBodies"]
