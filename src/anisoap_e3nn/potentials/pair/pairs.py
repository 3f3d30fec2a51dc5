"""Pairs of neighbours, sorted by their types."""

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from ...geometry.pair_coordinates import PairGeometry
from ...graph import Edges, one_of_each_pair
from ...tracing import is_mapping


class Segment(NamedTuple):
    """A run of pairs of the same two types."""

    types: tuple[int, int]
    pairs: slice


class Pairs(NamedTuple):
    """A chunk of pairs, sorted by their types."""

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
    """Iterate over chunks of all pairs, each pair once.

    Parameters
    ----------
    edges : Edges
        Both directions of each pair.
    type_index : Tensor ``(N,)``, int64
        From 0 to `n_types` - 1.
    shapes : Tensor ``(3, 3, N)``
        Shape matrices of the particles.
    chunk : int
        Largest number of pairs in a chunk.

    Raises
    ------
    ValueError
        If two particles are in the same place.
    """
    once = one_of_each_pair(edges.edge_index, edges.edge_vectors)
    ends = edges.edge_index.index_select(1, once).flip(0)  # -> [2, pair]
    of_types = type_index[ends[0]] * n_types + type_index[ends[1]]  # -> [pair]
    if n_types > 1:
        of_types, order = of_types.sort(stable=True)
        once, ends = once[order], ends[:, order]
    vectors = edges.edge_vectors.index_select(0, once).T  # -> [3, pair]
    if not is_mapping() and (same := (vectors == 0).all(0)).any():
        pair = tuple(ends[:, same][:, 0].tolist())
        raise ValueError(f"particles {pair} are in the same place, where no pair has an energy")
    for start in range(0, len(once), chunk):
        some = slice(start, start + chunk)
        yield Pairs(
            list(_segments(of_types[some], n_types)),
            ends[:, some],
            vectors[:, some],
            shapes[..., ends[:, some]],
        )


def _segments(of_types: Tensor, n_types: int) -> Iterator[Segment]:
    start = 0
    values, counts = of_types.unique_consecutive(return_counts=True)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        yield Segment(divmod(value, n_types), slice(start, start + count))
        start += count
