"""The layers."""

from .cutoff import ShiftedCosine
from .embedding import AniSOAPEmbedding
from .linear import TypeLinear

__all__ = ["AniSOAPEmbedding", "ShiftedCosine", "TypeLinear"]
