"""Configurations: data with one graph for all terms of a potential."""

import copy
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ..graph import Edges, InteractionGraph, VerletList, edges_of
from ..nn import AniSOAPEmbedding
from ..tensor_arguments import check_data
from ..tracing import is_tracing
from .potential import Potential


class Configuration:
    """Data with one interaction graph, which gives each term of a potential the edges within its cutoff.

    Parameters
    ----------
    data : EllipsoidData or a Batch of them
    terms : iterable of Module or function
        Terms to evaluate.
    neighbors : VerletList, optional
        Neighbour list to reuse for several configurations.

    Raises
    ------
    ValueError
        If `neighbors` has a smaller cutoff than some term.
    """

    def __init__(
        self, data: Any, terms: Iterable[Any], neighbors: VerletList | None = None
    ) -> None:
        check_data(data)
        self.data = data
        cutoff = largest_cutoff(terms)
        if neighbors is not None and cutoff is not None and neighbors.cutoff < cutoff:
            raise ValueError(
                f"neighbors has cutoff {neighbors.cutoff}, expected {cutoff} or more, the cutoff of the "
                f"potential; use VerletList({cutoff}, skin)"
            )
        self._graph: InteractionGraph | None = None
        if cutoff is not None and not is_tracing():
            self._graph = InteractionGraph(data, neighbors or cutoff)

    def energies(self, term: Any) -> Tensor:
        """Energies of the particles ``(N,)`` from one term.

        A :class:`Potential` gets its edges as an argument. Other modules and functions get them as fields of
        the data.
        """
        edges = self.edges(term)
        if isinstance(term, Potential):
            energies: Tensor = term(self.data, edges)
        else:
            energies = term(self.data if edges is None else _with_edges(self.data, edges, term))
        if not isinstance(energies, Tensor):
            raise TypeError(
                f"the model returned {energies!r:.100}, expected a tensor of energies of the particles"
            )
        if energies.shape != self.data.pos.shape[:1]:
            raise ValueError(
                f"the model returned energies of shape {tuple(energies.shape)}, expected one for each "
                f"particle, {tuple(self.data.pos.shape[:1])}"
            )
        return energies

    def edges(self, term: Any) -> Edges | None:
        """Edges within the cutoff of a term; None if it has no cutoff."""
        cutoff = cutoff_of(term)
        if cutoff is None:
            return None
        return self._graph.edges(cutoff) if self._graph else edges_of(self.data, cutoff)


def cutoff_of(model: Any) -> float | None:
    """Cutoff of a model: its `cutoff`, else the largest of its potentials and embeddings, else None."""
    if (cutoff := getattr(model, "cutoff", None)) is not None:
        return float(cutoff)
    modules = model.modules() if isinstance(model, torch.nn.Module) else ()
    parts = [module for module in modules if isinstance(module, AniSOAPEmbedding | Potential)]
    cutoffs = [float(part.cutoff) for part in parts if part.cutoff is not None]
    return max(cutoffs) if cutoffs else None


def largest_cutoff(models: Iterable[Any]) -> float | None:
    """Largest cutoff of several models; None if no model has one."""
    cutoffs = [cutoff for cutoff in map(cutoff_of, models) if cutoff is not None]
    return max(cutoffs) if cutoffs else None


def _with_edges(data: Any, edges: Edges, term: Any) -> Any:
    data = copy.copy(data)
    data.edge_index, data.edge_shifts = edges.edge_index, edges.edge_shifts
    if not is_tracing():  # a traced graph cannot read values, though modules may try
        # always float64, so that comparisons with a cutoff are exact
        data.edge_cutoff = torch.full((1,), cutoff_of(term) or 0.0, dtype=torch.float64)
    return data
