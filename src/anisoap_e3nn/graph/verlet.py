"""Verlet lists: neighbour lists with a skin, reused while displacements are small."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ..arguments import not_negative, positive
from ..precision import in_float64
from ..tensor_arguments import check_data
from .lists import neighbor_list
from .order import lexicographic_order

_FIXED = ("types", "cell", "pbc", "batch")  # fields whose change requires a new search


@dataclass(frozen=True, eq=False)
class Neighbors:
    """Neighbour list, or a selection from one.

    Attributes
    ----------
    edge_index : Tensor ``(2, E)``, int64
        Neighbours (row 0) and centres (row 1), sorted by centre, then by the neighbour's type.
    edge_shifts : Tensor ``(E, 3)``
        Whole numbers of cell vectors.
    """

    edge_index: Tensor
    edge_shifts: Tensor
    _source: "Neighbors | None" = None
    _kept: Tensor | None = None

    def select(self, kept: Tensor) -> "Neighbors":
        """Select edges by ascending indices."""
        edge_index, edge_shifts = self.edge_index, self.edge_shifts
        return Neighbors(
            edge_index.index_select(1, kept), edge_shifts.index_select(0, kept), self, kept
        )

    @cached_property
    def reverse(self) -> Tensor:
        """Index of the reverse of each edge, from the neighbour to the centre ``(E,)``.

        It takes a sort for a whole list, but none for selections from it.
        """
        if self._source is None or self._kept is None:
            neighbors, centers = self.edge_index
            forward = lexicographic_order(centers, neighbors, *self.edge_shifts.unbind(1))
            backward = lexicographic_order(neighbors, centers, *(-self.edge_shifts).unbind(1))
            return torch.empty_like(forward).index_copy_(0, forward, backward)
        positions = self._kept.new_empty(self._source.edge_index.shape[1])
        positions[self._kept] = torch.arange(len(self._kept), device=self._kept.device)
        return positions[self._source.reverse[self._kept]]

    @cached_property
    def longest_shift(self) -> float:
        """Largest number of cell vectors in a shift."""
        return float(self.edge_shifts.abs().max()) if len(self.edge_shifts) else 0.0


class VerletList:
    r"""Neighbour list with a skin, searched again only when pairs may have come within the cutoff.

    The list contains all pairs within the cutoff as long as no particle has moved by more than half of the
    skin since the last search. Positions may leave the cell. A particle that is wrapped back into the cell
    counts as moved. A change of the cell, its periodic axes, the types, the number of particles or the
    frames leads to a new search.

    With a skin, edges are ordered by centre, the neighbour's type, neighbour and shift, so that the order
    does not depend on the time of the search. Without a skin, the order is that of
    :func:`~anisoap_e3nn.graph.neighbor_list`.

    Parameters
    ----------
    cutoff : float
        A length, > 0.
    skin : float
        A length, ≥ 0. With 0, every displacement leads to a new search.

    Attributes
    ----------
    n_searches : int
        Number of searches.

    Raises
    ------
    ValueError
        If the cutoff is not positive, or the skin is negative.
    """

    def __init__(self, cutoff: float, skin: float = 0.0) -> None:
        self.cutoff = positive("cutoff", cutoff, "length")
        self.skin = not_negative("skin", skin, "length")
        self.n_searches = 0
        self._neighbors: Neighbors | None = None
        self._searched: dict[str, Any] = {}  # the configuration, at the last search

    def neighbors(self, data: Any) -> Neighbors:
        """All pairs within `cutoff`, and further pairs within `cutoff` + `skin` at the last search.

        Parameters
        ----------
        data : EllipsoidData or a Batch of them
            Any object with `pos` and, optionally, `types`, `cell`, `pbc` and `batch` will do.
        """
        check_data(data)
        if self._neighbors is None or self._may_have_changed(data):
            self._neighbors = self.search(data, self.cutoff + self.skin)
            self._searched = {name: _copy(getattr(data, name, None)) for name in ("pos", *_FIXED)}
        return self._neighbors

    def search(self, data: Any, radius: float) -> Neighbors:
        """Search within a radius. The search is counted, its result is not stored."""
        check_data(data)
        self.n_searches += 1
        types = getattr(data, "types", None)
        edge_index, edge_shifts = neighbor_list(
            data.pos,
            radius,
            cell=getattr(data, "cell", None),
            pbc=getattr(data, "pbc", None),
            types=types,
            batch=getattr(data, "batch", None),
        )
        if self.skin > 0:
            neighbors, centers = edge_index
            by_type = () if types is None else (types.index_select(0, neighbors),)
            order = lexicographic_order(centers, *by_type, neighbors, *edge_shifts.unbind(1))
            edge_index, edge_shifts = edge_index[:, order], edge_shifts[order]
        return Neighbors(edge_index, edge_shifts)

    def _may_have_changed(self, data: Any) -> bool:
        before, now = self._searched["pos"], data.pos.detach()
        if not _comparable(before, now):
            return True
        squares = (in_float64(now) - in_float64(before)).square().sum(1)  # -> [particle]
        farthest = 0.5 * self.skin * (1 - 1e-6)  # a little less, for rounding
        if not bool((squares <= farthest**2).all()):  # false for NaN too
            return True
        return not all(_same(self._searched[name], getattr(data, name, None)) for name in _FIXED)


def _copy(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def _same(before: Any, now: Any) -> bool:
    if not (isinstance(before, Tensor) and isinstance(now, Tensor)):
        return bool(type(before) is type(now) and before == now)
    return _comparable(before, now) and torch.equal(before, now)


def _comparable(a: Tensor, b: Tensor) -> bool:
    return (a.shape, a.dtype, a.device) == (b.shape, b.dtype, b.device)
