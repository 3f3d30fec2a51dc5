"""Ellipsoids in space: rotations, covariances, and pairs of them."""

from .ellipsoids import (
    covariances,
    damped_covariances,
    matrices_to_quaternions,
    quaternions_to_matrices,
    rotation_matrices,
)

__all__ = [
    "covariances",
    "damped_covariances",
    "matrices_to_quaternions",
    "quaternions_to_matrices",
    "rotation_matrices",
]
