"""Losses, least-squares fits and predictions."""

from .dimer_scan import DimerScan, scan_dimers
from .evaluation import Evaluation, evaluate
from .linear_fit import RSquared, fit_linear, r_squared
from .loss import MechanicsLoss
from .prediction import predict

__all__ = [
    "DimerScan",
    "Evaluation",
    "MechanicsLoss",
    "RSquared",
    "evaluate",
    "fit_linear",
    "predict",
    "r_squared",
    "scan_dimers",
]
