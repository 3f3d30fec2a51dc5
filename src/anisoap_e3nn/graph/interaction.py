"""Interaction graph: one neighbour search for all parts of a model, at several cutoffs."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ..arguments import positive
from ..precision import in_float64
from ..tensor_arguments import check_data
from ..tracing import assert_on_gpu, is_readable, is_tracing, listed
from .vectors import edge_vectors
from .verlet import Neighbors, VerletList


@dataclass(frozen=True, eq=False)
class Edges:
    """Edges within a cutoff and their vectors.

    Attributes
    ----------
    edge_index : Tensor ``(2, E)``, int64
        Neighbours (row 0, the source) and centres (row 1, the target), sorted by centre, then by the
        neighbour's type.
    edge_shifts : Tensor ``(E, 3)``
        Whole numbers of cell vectors.
    edge_vectors : Tensor ``(E, 3)``
        Vectors r_neighbour - r_centre, a length, differentiable in positions and cell.
    reverse : Tensor ``(E,)``, int64
        Index of the reverse of each edge, from the neighbour to the centre. Computed on first use.
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
    """Edges of a frame within a cutoff: from its own graph if it has one, else from a search.

    Parameters
    ----------
    data : EllipsoidData or a Batch of them
        As for :class:`InteractionGraph`.
    cutoff : float
        A length, > 0.

    Returns
    -------
    Edges
        Exactly the pairs closer than the cutoff. Under a tracer and on GPUs, all edges that the data have,
        since to select some by length is to look at values.

    Raises
    ------
    ValueError
        If the data's own edges were found with a smaller cutoff.
    """
    check_data(data)
    if is_tracing() and getattr(data, "edge_index", None) is not None:
        shifts = getattr(data, "edge_shifts", None)
        cell, batch = getattr(data, "cell", None), getattr(data, "batch", None)
        vectors = edge_vectors(data.pos, data.edge_index, shifts, cell, batch)
        shifts = torch.zeros_like(vectors) if shifts is None else shifts
        return Edges(Neighbors(data.edge_index, shifts), vectors)
    cutoff = positive("cutoff", cutoff, "length")
    return InteractionGraph(data, cutoff).edges(cutoff)


def known_edge_cutoffs(data: Any, cutoff: float) -> list[float]:
    """Different cutoffs of the data's own edges, checked against the cutoff that is needed.

    Parameters
    ----------
    data : EllipsoidData or a Batch of them
    cutoff : float
        Cutoff that is needed, a length.

    Returns
    -------
    list of float
        In ascending order; empty if no cutoff is stored, or only on a GPU.

    Raises
    ------
    ValueError
        If one of them is smaller than `cutoff`.
    """
    found_with = getattr(data, "edge_cutoff", None)
    if found_with is None:
        return []
    found_with = torch.as_tensor(found_with)
    if not is_readable(found_with):
        shorter = f"the data's neighbours were searched up to less than the cutoff {cutoff:g}"
        assert_on_gpu(found_with, lambda each: each >= cutoff, shorter)
        return []
    cutoffs: list[float] = listed(found_with.unique())
    if cutoffs and cutoffs[0] < cutoff:
        raise ValueError(
            f"the data's neighbours were searched up to {cutoffs[0]}, expected up to {cutoff}; use "
            f"data.with_edges({cutoff})"
        )
    return cutoffs


class InteractionGraph:
    r"""Neighbours of one configuration, found by one search and served at any cutoff.

    Each part of a model requests the edges within its own cutoff. It gets exactly the pairs,
    :math:`|r_{ij}| < r_\mathrm{cut}`, that :func:`~anisoap_e3nn.graph.neighbor_list` finds with this cutoff.
    They are filtered from the list of the largest cutoff, in its order. If a distance equals the smaller
    cutoff to rounding, a search decides. Parts with equal cutoffs share their tensors. The search takes place
    at the first request.

    On GPUs, edges that the data have are not filtered, since to select some is to wait for the GPU.
    Potentials give those beyond their cutoff no weight.

    Parameters
    ----------
    data : EllipsoidData or a Batch of them
        Any object with `pos` and, optionally, `types`, `cell`, `pbc` and `batch` will do. Its own edges
        (`edge_index`, `edge_shifts`, `edge_cutoff`) replace the search.
    cutoff : float or VerletList
        Largest cutoff, a length; or a list with a skin, which is reused for several configurations.

    Attributes
    ----------
    cutoff : float
        Largest cutoff.
    n_searches : int
        Number of searches; with a :class:`VerletList`, for all its configurations.

    Raises
    ------
    ValueError
        If the data's own edges were found with a smaller cutoff.

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
        check_data(data)
        self._data = data
        self._list = cutoff if isinstance(cutoff, VerletList) else VerletList(cutoff)
        self.cutoff = self._list.cutoff
        self._edges: dict[float, Edges] = {}
        self._given = getattr(data, "edge_index", None) is not None
        # cutoff that the list is complete up to; None if unknown
        self._radius: float | None = self.cutoff + self._list.skin
        if self._given:
            cutoffs = known_edge_cutoffs(data, self.cutoff)
            self._radius = cutoffs[0] if len(cutoffs) == 1 else None

    @property
    def n_searches(self) -> int:
        return self._list.n_searches

    def edges(self, cutoff: float) -> Edges:
        """Edges within a cutoff.

        Parameters
        ----------
        cutoff : float
            A length, > 0 and at most the cutoff of the graph.

        Returns
        -------
        Edges
            The same object for equal cutoffs.

        Raises
        ------
        ValueError
            If the cutoff is out of range, or the positions are not finite.
        """
        if not 0 < cutoff <= self.cutoff:
            raise ValueError(
                f"cutoff is {cutoff}, expected a length > 0 and at most {self.cutoff}, the cutoff of this "
                "graph"
            )
        if cutoff not in self._edges:
            self._edges[cutoff] = self._within(cutoff)
        return self._edges[cutoff]

    def _within(self, cutoff: float) -> Edges:
        if self._given and not is_readable(self._data.pos):
            cutoff = self.cutoff  # for all
            if cutoff in self._edges:
                return self._edges[cutoff]
            self._edges[cutoff] = self._with_vectors(self._neighbors)
            return self._edges[cutoff]
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
        if is_readable(self._data.pos) and not self._data.pos.isfinite().all():
            raise ValueError("pos has NaN or infinite positions, expected finite numbers")
        edge_index, edge_shifts = self._data.edge_index, getattr(self._data, "edge_shifts", None)
        if edge_shifts is None:
            edge_shifts = self._data.pos.new_zeros(edge_index.shape[1], 3)
        return Neighbors(edge_index, edge_shifts)

    @cached_property
    def _exact_vectors(self) -> Tensor:
        """Vectors of all edges of the list in float64, as in the search ``(E, 3)``."""
        if self._data.pos.dtype == torch.float64 and self._radius == self.cutoff:
            return self.edges(self.cutoff).edge_vectors.detach()
        with torch.no_grad():
            return self._vectors(self._neighbors, in_float64(self._data.pos).dtype)

    @cached_property
    def _squared_distances(self) -> Tensor:
        x, y, z = self._exact_vectors.unbind(1)
        return (x * x).addcmul_(y, y).addcmul_(z, z)  # -> [edge]

    @cached_property
    def _rounding(self) -> float:
        """Bound on the difference between distances here and in the search."""
        if self._given:
            return 0.0  # no search to differ from
        lengths = [self.cutoff, _largest(self._data.pos)]
        if (cell := getattr(self._data, "cell", None)) is not None:
            lengths.append(self._neighbors.longest_shift * _largest(cell))
        return 500 * torch.finfo(self._exact_vectors.dtype).eps * sum(lengths)

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
