"""An energy model and frames of every kind, in float64."""

from model_fixtures import double_precision, frames, model, searches, spaced

__all__ = ["double_precision", "frames", "model", "searches", "spaced"]
