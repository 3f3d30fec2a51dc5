"""Which particles are neighbours, and the vectors between them."""

from .frames import frame_index, particle_counts
from .interaction import Edges, InteractionGraph
from .lists import neighbor_list
from .vectors import edge_vectors
from .verlet import VerletList

__all__ = [
    "Edges",
    "InteractionGraph",
    "VerletList",
    "edge_vectors",
    "frame_index",
    "neighbor_list",
    "particle_counts",
]
