"""Checks of models: symmetries, derivatives, smoothness, batches, compilation, checkpoints and precision.

Each takes a model and data, returns the largest deviation, and raises an AssertionError where it exceeds the
tolerance. They need no test framework.
"""

from .batches import check_batches
from .checkpoints import check_checkpoint
from .compilation import check_compilation
from .finite_differences import check_derivatives
from .gradients import check_gradients
from .precision import check_precision
from .smoothness import check_smoothness
from .symmetry import OPERATIONS, check_equivariance

__all__ = [
    "OPERATIONS",
    "check_batches",
    "check_checkpoint",
    "check_compilation",
    "check_derivatives",
    "check_equivariance",
    "check_gradients",
    "check_precision",
    "check_smoothness",
]
