"""Pairs of neighbours, sorted by their types."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ...geometry.pair_coordinates import PairGeometry
from ...graph import Edges, one_of_each_pair
from ...tracing import assert_on_gpu, is_tracing, listed


class Segment(NamedTuple):
    """A run of pairs of the same two types."""

    types: tuple[int, int]
    pairs: slice


class Pairs(NamedTuple):
    """A chunk of pairs."""

    segments: list[Segment] | None  # None if they are not sorted by their types
    of_types: Tensor  # type of the first particle · n_types + type of the second, [pair]
    ends: Tensor  # [2, pair], the first particles and the second ones
    vectors: Tensor  # [3, pair]
    shapes: Tensor  # [3, 3, 2, pair]
    share: float  # of the pair's energy: 1/2 where it occurs in both directions

    @property
    def geometry(self) -> PairGeometry:
        return PairGeometry(self.vectors, self.shapes)

    def times(self, matrices: Tensor, functions: Tensor) -> Tensor:
        """Products of the matrix of each pair's types and its functions.

        Parameters
        ----------
        matrices : Tensor ``(type, type, row, function)``
        functions : Tensor ``(function, pair)``

        Returns
        -------
        Tensor ``(row, pair)``
        """
        if self.segments is not None:
            parts = [matrices[types] @ functions[:, some] for types, some in self.segments]
            return torch.cat(parts, dim=1)
        each = matrices.flatten(0, 1)  # -> [type · type, row, function]
        if len(each) == 1:
            return each[0] @ functions
        masked = (
            torch.where(self.of_types == pair, matrix @ functions, 0)
            for pair, matrix in enumerate(each)
        )
        return sum(masked, start=functions.new_zeros(()))


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
    if (same := (vectors == 0).all(0)).any():
        pair = tuple(listed(ends[:, same][:, 0]))
        raise ValueError(f"particles {pair} are in the same place, where no pair has an energy")
    for start in range(0, len(once), chunk):
        some = slice(start, start + chunk)
        yield Pairs(
            list(_segments(of_types[some], n_types)),
            of_types[some],
            ends[:, some],
            vectors[:, some],
            shapes[..., ends[:, some]],
            1.0,
        )


def pairs_in_both_directions(
    edges: Edges, type_index: Tensor, n_types: int, shapes: Tensor, chunk: int
) -> Iterator[Pairs]:
    """Iterate over chunks of all edges, without a look at their values.

    So each pair occurs twice, with half of its energy, in the order of the edges. Arguments are those of
    :func:`pairs_by_type`. Under a tracer there is one chunk. On a GPU the error of two particles in the same
    place comes later, when a result is first looked at.
    """
    ends = edges.edge_index.flip(0)  # -> [2, edge]
    of_types = type_index[ends[0]] * n_types + type_index[ends[1]]  # -> [edge]
    same = "two particles are in the same place, where no pair has an energy"
    assert_on_gpu(edges.edge_vectors, lambda r: r.any(1), same)
    if is_tracing():
        yield Pairs(None, of_types, ends, edges.edge_vectors.T, shapes[..., ends], 0.5)
        return
    for start in range(0, ends.shape[1], chunk):
        some = slice(start, start + chunk)
        vectors = edges.edge_vectors[some].T  # -> [3, edge]
        yield Pairs(None, of_types[some], ends[:, some], vectors, shapes[..., ends[:, some]], 0.5)


def _segments(of_types: Tensor, n_types: int) -> Iterator[Segment]:
    start = 0
    found = of_types.unique_consecutive(return_counts=True)
    values, counts = (listed(x) for x in found)
    for value, count in zip(values, counts, strict=True):
        yield Segment(divmod(value, n_types), slice(start, start + count))
        start += count
