"""One graph for all parts of a model, each with a cutoff of its own."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ..tracing import is_tracing
from .vectors import edge_vectors
from .verlet import Neighbors, VerletList


@dataclass(frozen=True, eq=False)
class Edges:
    """Neighbours up to a cutoff, and the vectors to them.

    Attributes
    ----------
    edge_index : Tensor ``(2, E)``, int64
        Neighbours (row 0, the source) and centres (row 1, the target), sorted by centre, then by the
        neighbour's type.
    edge_shifts : Tensor ``(E, 3)``
        Whole numbers of lattice vectors.
    edge_vectors : Tensor ``(E, 3)``
        r_neighbour - r_centre, a length, differentiable in positions and cell.
    reverse : Tensor ``(E,)``, int64
        For each edge the position of its reverse, from the neighbour to the centre; made on request.
    """

    neighbors: Neighbors
    edge_vectors: Tensor

    @property
    def edge_index(self) -> Tensor:
        return self.neighbors.edge_index

    @property
    def edge_shifts(self) -> Tensor:
        return self.neighbors.edge_shifts

    @property
    def reverse(self) -> Tensor:
        return self.neighbors.reverse


def edges_of(data: Any, cutoff: float) -> Edges:
    """Edges of a frame up to a cutoff: its own where it has some, else from a search.

    Parameters
    ----------
    data : EllipsoidData or a Batch of them
        As for :class:`InteractionGraph`.
    cutoff : float
        A length, > 0.

    Returns
    -------
    Edges
        Exactly the pairs closer than the cutoff. While a tracer is at work all edges that the data have,
        since to leave some out would take a look at their lengths.

    Raises
    ------
    ValueError
        For edges of the data that were found with a smaller cutoff.
    """
    if is_tracing() and getattr(data, "edge_index", None) is not None:
        shifts = getattr(data, "edge_shifts", None)
        cell, batch = getattr(data, "cell", None), getattr(data, "batch", None)
        vectors = edge_vectors(data.pos, data.edge_index, shifts, cell, batch)
        shifts = torch.zeros_like(vectors) if shifts is None else shifts
        return Edges(Neighbors(data.edge_index, shifts), vectors)
    return InteractionGraph(data, cutoff).edges(cutoff)


def reaches_of_edges(data: Any, cutoff: float) -> list[float]:
    """All different cutoffs that edges of the data were found with; empty if none is known.

    Raises
    ------
    ValueError
        If one is smaller than `cutoff`.
    """
    found_with = getattr(data, "edge_cutoff", None)
    reaches: list[float] = (
        [] if found_with is None else torch.as_tensor(found_with).unique().tolist()
    )
    if reaches and reaches[0] < cutoff:
        raise ValueError(
            f"the data's neighbours were searched up to {reaches[0]}, but they are needed up to "
            f"{cutoff}; use data.with_edges({cutoff})"
        )
    return reaches


class InteractionGraph:
    r"""The neighbours of one configuration, searched for once and served at any cutoff.

    Each part of a model asks for the edges up to its own cutoff, and gets exactly the pairs,
    :math:`|r_{ij}| < r_\mathrm{cut}`, that :func:`~anisoap_e3nn.graph.neighbor_list` finds with it. They are
    filtered from the list of the largest cutoff, in its order; where a distance is within rounding of the
    smaller cutoff, a search decides. Parts with equal cutoffs get the very same tensors, and nothing is
    searched for before the first request.

    Parameters
    ----------
    data : EllipsoidData or a Batch of them
        Or anything else with `pos`, and if it has them `types`, `cell`, `pbc` and `batch`. Edges of its
        own (`edge_index`, `edge_shifts`, `edge_cutoff`) are taken instead of a search.
    cutoff : float or VerletList
        The largest cutoff, a length; or a list with a skin, which is kept from one configuration to the
        next.

    Attributes
    ----------
    cutoff : float
        The largest one.
    n_searches : int
        How many there were, in all the configurations of a :class:`VerletList`.

    Raises
    ------
    ValueError
        For edges of the data that were found with a smaller cutoff.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> row = SimpleNamespace(pos=torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 3.0]]))
    >>> graph = InteractionGraph(row, cutoff=2.5)
    >>> graph.edges(1.5).edge_vectors
    tensor([[ 0.,  0.,  1.],
            [ 0.,  0., -1.]])
    >>> graph.edges(1.5).reverse
    tensor([1, 0])
    >>> graph.edges(2.5).edge_index.shape
    torch.Size([2, 4])
    >>> graph.n_searches
    1
    """

    def __init__(self, data: Any, cutoff: float | VerletList) -> None:
        self._data = data
        self._list = cutoff if isinstance(cutoff, VerletList) else VerletList(cutoff)
        self.cutoff = self._list.cutoff
        self._edges: dict[float, Edges] = {}
        self._given = getattr(data, "edge_index", None) is not None
        # how far the list reaches; None: unknown
        self._radius: float | None = self.cutoff + self._list.skin
        if self._given:
            reaches = reaches_of_edges(data, self.cutoff)
            self._radius = reaches[0] if len(reaches) == 1 else None

    @property
    def n_searches(self) -> int:
        return self._list.n_searches

    def edges(self, cutoff: float) -> Edges:
        """The edges shorter than a cutoff.

        Parameters
        ----------
        cutoff : float
            A length, > 0 and no larger than the graph's.

        Returns
        -------
        Edges
            The same object whenever the cutoff is the same.
        """
        if not 0 < cutoff <= self.cutoff:
            raise ValueError(
                f"cutoff is {cutoff}, expected a length > 0 and at most {self.cutoff}, the largest "
                "one that this graph was built for"
            )
        if cutoff not in self._edges:
            self._edges[cutoff] = self._within(cutoff)
        return self._edges[cutoff]

    def _within(self, cutoff: float) -> Edges:
        if cutoff == self._radius:
            return self._with_vectors(self._neighbors)
        inside, possible = (
            self._squared_distances < (cutoff + sign * self._rounding) ** 2 for sign in (-1, 1)
        )  # -> [edge]
        if not torch.equal(inside, possible):
            return self._with_vectors(self._list.search(self._data, cutoff))
        kept = inside.nonzero().squeeze(1)
        neighbors = self._neighbors.select(kept)
        if self._needs_grad or self._data.pos.dtype != torch.float64:
            return self._with_vectors(neighbors)
        return Edges(neighbors, self._exact_vectors.index_select(0, kept))

    @cached_property
    def _neighbors(self) -> Neighbors:
        if not self._given:
            return self._list.neighbors(self._data)
        if not self._data.pos.isfinite().all():
            raise ValueError("pos should be finite, found NaN or infinite positions")
        edge_index, edge_shifts = self._data.edge_index, getattr(self._data, "edge_shifts", None)
        if edge_shifts is None:
            edge_shifts = self._data.pos.new_zeros(edge_index.shape[1], 3)
        return Neighbors(edge_index, edge_shifts)

    @cached_property
    def _exact_vectors(self) -> Tensor:
        """Along all edges of the list, in the precision of the search ``(E, 3)``, float64."""
        if self._data.pos.dtype == torch.float64 and self._radius == self.cutoff:
            return self.edges(self.cutoff).edge_vectors.detach()
        with torch.no_grad():
            return self._vectors(self._neighbors, torch.float64)

    @cached_property
    def _squared_distances(self) -> Tensor:
        x, y, z = self._exact_vectors.unbind(1)
        return (x * x).addcmul_(y, y).addcmul_(z, z)  # -> [edge]

    @cached_property
    def _rounding(self) -> float:
        """By how much distances here may differ from those that the search compares."""
        if self._given:
            return 0.0  # they are not compared
        lengths = [self.cutoff, _largest(self._data.pos)]
        if (cell := getattr(self._data, "cell", None)) is not None:
            lengths.append(self._neighbors.longest_shift * _largest(cell))
        return 500 * torch.finfo(torch.float64).eps * sum(lengths)

    @property
    def _needs_grad(self) -> bool:
        lengths = (self._data.pos, getattr(self._data, "cell", None))
        return any(x is not None and x.requires_grad for x in lengths)

    def _with_vectors(self, neighbors: Neighbors) -> Edges:
        return Edges(neighbors, self._vectors(neighbors, self._data.pos.dtype))

    def _vectors(self, neighbors: Neighbors, dtype: torch.dtype) -> Tensor:
        cell = getattr(self._data, "cell", None)
        return edge_vectors(
            self._data.pos.to(dtype),
            neighbors.edge_index,
            neighbors.edge_shifts.to(dtype),
            None if cell is None else cell.to(dtype),
            getattr(self._data, "batch", None),
        )


def _largest(x: Tensor) -> float:
    return float(x.detach().abs().max()) if x.numel() else 0.0
