"""The layers."""

from .cutoff import ShiftedCosine
from .embedding import AniSOAPEmbedding

__all__ = ["AniSOAPEmbedding", "ShiftedCosine"]
