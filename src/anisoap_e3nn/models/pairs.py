"""Pairs of particles, each once."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ..graph import Edges


class Pairs(NamedTuple):
    """Some pairs of the same two types."""

    types: tuple[int, int]
    first: Tensor  # [pair]
    second: Tensor  # [pair]
    vectors: Tensor  # [3, pair]
    first_shapes: Tensor  # [3, 3, pair]
    second_shapes: Tensor  # [3, 3, pair]

    @property
    def geometry(self) -> tuple[Tensor, Tensor, Tensor]:
        """Vectors and shapes."""
        return self[3], self[4], self[5]

    @property
    def ends(self) -> Tensor:
        """The first particles, then the second ones ``(2 pair,)``."""
        return torch.cat([self.first, self.second])


def pairs_by_type(
    edges: Edges, kinds: Tensor, n_kinds: int, shapes: Tensor, chunk: int
) -> Iterator[Pairs]:
    """Every pair once, some of the same types at a time.

    Parameters
    ----------
    edges : Edges
        Each pair in both directions.
    kinds : Tensor ``(N,)``, int64
        Types, from 0 to `n_kinds` - 1.
    shapes : Tensor ``(3, 3, N)``
        Of the particles.
    chunk : int
        How many at most.

    Raises
    ------
    ValueError
        For particles in the same place.
    """
    once = _one_of_each_two(edges)
    second, first = edges.edge_index.index_select(1, once).unbind()
    vectors = edges.edge_vectors.index_select(0, once).T  # -> [3, pair]
    if (same := (vectors == 0).all(0)).any():
        pair = first[same][0].item(), second[same][0].item()
        raise ValueError(f"particles {pair} are in the same place, where no pair has an energy")
    of_types = kinds[first] * n_kinds + kinds[second]  # -> [pair]
    for kind in of_types.unique().tolist():
        members = (of_types == kind).nonzero().squeeze(1)
        for some in members.split(chunk):
            i, j = first[some], second[some]
            yield Pairs(
                divmod(kind, n_kinds),
                i,
                j,
                vectors.index_select(1, some),
                shapes.index_select(2, i),
                shapes.index_select(2, j),
            )


def _one_of_each_two(edges: Edges) -> Tensor:
    """Positions of the edges that lead to a later particle, or to a later image of the same."""
    neighbors, centers = edges.edge_index
    x, y, z = edges.edge_shifts.unbind(1)
    later = (x > 0) | ((x == 0) & ((y > 0) | ((y == 0) & (z > 0))))
    return ((neighbors > centers) | ((neighbors == centers) & later)).nonzero().squeeze(1)
