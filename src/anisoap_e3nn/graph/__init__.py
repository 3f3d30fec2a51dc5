"""Neighbour lists, interaction graphs and edge vectors."""

from .frames import frame_index, particle_counts
from .interaction import Edges, InteractionGraph, edges_of, known_edge_cutoffs
from .lists import neighbor_list
from .pairs import one_of_each_pair
from .vectors import edge_vectors
from .verlet import VerletList

__all__ = [
    "Edges",
    "InteractionGraph",
    "VerletList",
    "edge_vectors",
    "edges_of",
    "frame_index",
    "known_edge_cutoffs",
    "neighbor_list",
    "one_of_each_pair",
    "particle_counts",
]
