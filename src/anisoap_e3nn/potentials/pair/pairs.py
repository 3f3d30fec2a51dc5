"""Pairs of particles, each once."""

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from ...geometry.pair_coordinates import PairGeometry
from ...graph import Edges, one_of_each_pair


class Segment(NamedTuple):
    """Neighbouring pairs of the same two types."""

    types: tuple[int, int]
    pairs: slice


class Pairs(NamedTuple):
    """Some pairs, in the order of their types."""

    segments: list[Segment]
    ends: Tensor  # [2, pair], the first particles and the second ones
    vectors: Tensor  # [3, pair]
    shapes: Tensor  # [3, 3, 2, pair]

    @property
    def geometry(self) -> PairGeometry:
        return PairGeometry(self.vectors, self.shapes)


def pairs_by_type(
    edges: Edges, type_index: Tensor, n_types: int, shapes: Tensor, chunk: int
) -> Iterator[Pairs]:
    """Every pair once, some at a time.

    Parameters
    ----------
    edges : Edges
        Each pair in both directions.
    type_index : Tensor ``(N,)``, int64
        From 0 to `n_types` - 1.
    shapes : Tensor ``(3, 3, N)``
        Of the particles.
    chunk : int
        How many at most.

    Raises
    ------
    ValueError
        For particles in the same place.
    """
    once = one_of_each_pair(edges.edge_index, edges.edge_vectors)
    ends = edges.edge_index.index_select(1, once).flip(0)  # -> [2, pair]
    of_types = type_index[ends[0]] * n_types + type_index[ends[1]]  # -> [pair]
    if n_types > 1:
        of_types, order = of_types.sort(stable=True)
        once, ends = once[order], ends[:, order]
    vectors = edges.edge_vectors.index_select(0, once).T  # -> [3, pair]
    if (same := (vectors == 0).all(0)).any():
        pair = tuple(ends[:, same][:, 0].tolist())
        raise ValueError(f"particles {pair} are in the same place, where no pair has an energy")
    for start in range(0, len(once), chunk):
        some = slice(start, start + chunk)
        yield Pairs(
            list(_segments(of_types[some], n_types)),
            ends[:, some],
            vectors[:, some],
            shapes.index_select(2, ends[:, some].flatten()).unflatten(2, (2, -1)),
        )


def _segments(of_types: Tensor, n_types: int) -> Iterator[Segment]:
    start = 0
    values, counts = of_types.unique_consecutive(return_counts=True)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        yield Segment(divmod(value, n_types), slice(start, start + count))
        start += count
