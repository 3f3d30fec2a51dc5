"""The layers."""

from .cutoff import PolynomialCutoff, ShiftedCosine
from .embedding import AniSOAPEmbedding
from .linear import TypeLinear

__all__ = ["AniSOAPEmbedding", "PolynomialCutoff", "ShiftedCosine", "TypeLinear"]
