"""Losses, least-squares fits and predictions."""

from .linear_fit import RSquared, fit_linear, r_squared
from .loss import MechanicsLoss
from .prediction import predict

__all__ = ["MechanicsLoss", "RSquared", "fit_linear", "predict", "r_squared"]
