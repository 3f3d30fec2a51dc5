"""Which particles are neighbours, and the vectors between them."""

from .lists import neighbor_list
from .vectors import edge_vectors

__all__ = ["edge_vectors", "neighbor_list"]
