"""Which particles are neighbours, and the vectors between them."""

from .interaction import Edges, InteractionGraph
from .lists import neighbor_list
from .vectors import edge_vectors
from .verlet import VerletList

__all__ = ["Edges", "InteractionGraph", "VerletList", "edge_vectors", "neighbor_list"]
