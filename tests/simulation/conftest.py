"""An energy model and frames of every kind, in float64, and a cluster of rigid bodies."""

from model_fixtures import double_precision, frames, model, searches, spaced
from moving_bodies import bodies, cluster

__all__ = ["bodies", "cluster", "double_precision", "frames", "model", "searches", "spaced"]
