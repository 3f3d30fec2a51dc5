"""Geometry of ellipsoids: rotations, covariances, contact distances and pair coordinates."""

from .ellipsoids import covariances, damped_covariances
from .rotations import (
    matrices_to_quaternions,
    quaternions_to_matrices,
    rotation_matrices,
    to_body_frame,
    torques_of_gradient,
)

__all__ = [
    "covariances",
    "damped_covariances",
    "matrices_to_quaternions",
    "quaternions_to_matrices",
    "rotation_matrices",
    "to_body_frame",
    "torques_of_gradient",
]
