"""Terms of a model as modules of LAMMPS' arrays, which compilers can trace."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...gay_berne import GayBerne
from ...graph import Edges
from ...graph.verlet import Neighbors
from ...ops.backends.pair_operations import gay_berne_terms, pair_potential_terms
from ...potentials import OneBodyPotential, cutoff_of
from ...potentials.compilation import TensorAttributes
from .exchange import exchange_before_convolutions
from .exchange_operation import exchange_features
from .terms import ModelTerms, energies_of

Results = tuple[Tensor, Tensor, Tensor]


class NeighborhoodEnergies(torch.nn.Module):
    """Energies of the rank's own particles from all terms that get whole neighbourhoods.

    Attributes
    ----------
    cutoffs : list of float
        Different cutoffs of the terms. For each of them the pair style makes a list of edges, so that no term
        sees edges beyond its own cutoff.
    width : int
        Most features of a particle that ranks exchange; 0 without networks.
    """

    def __init__(self, terms: ModelTerms) -> None:
        super().__init__()
        self.dtype, self.terms = terms.dtype, torch.nn.ModuleList(terms.others)
        self.width = exchange_before_convolutions(self.terms, exchange_features)
        with_edges = [x for x in terms.others if not isinstance(x, OneBodyPotential)]
        self.cutoffs = _different(with_edges)
        self._lists = [
            None if (cutoff := cutoff_of(term)) is None else self.cutoffs.index(cutoff)
            for term in terms.others
        ]

    def forward(
        self,
        positions: Tensor,
        quaternions: Tensor,
        semiaxes: Tensor,
        types: Tensor,
        n_local: Tensor,
        *edges: Tensor,
    ) -> Tensor:
        """Energies ``(all,)``, zero for ghosts, whose energies are computed on other ranks."""
        data = TensorAttributes(
            {
                "pos": positions.to(self.dtype),
                "orientations": quaternions.to(self.dtype),
                "semiaxes": semiaxes.to(self.dtype),
                "types": types,
                "cell": positions.new_zeros(1, 3, 3).to(self.dtype),
            }
        )
        data.batch = None
        of_lists = [self._edges(positions, index) for index in edges]
        total = 0 * positions.sum(1)  # energies of types alone can be differentiated too
        for term, k in zip(self.terms, self._lists, strict=True):
            total = total + energies_of(term, data, None if k is None else of_lists[k])
        own = torch.arange(positions.shape[0]) < n_local
        return torch.where(own, total, 0.0)

    def _edges(self, positions: Tensor, index: Tensor) -> Edges:
        neighbors, centers = index
        # in double precision, since positions may be far from the origin
        vectors = positions.index_select(0, neighbors) - positions.index_select(0, centers)
        vectors = vectors.to(self.dtype)  # -> [edge, 3]
        return Edges(Neighbors(index, torch.zeros_like(vectors)), vectors)


class PairTerms(torch.nn.Module):
    """Energies, forces and torques from all pair potentials, by the operations of their native kernels.

    Attributes
    ----------
    cutoffs : list of float
        Different cutoffs of the terms, as for :class:`NeighborhoodEnergies`.
    """

    def __init__(self, terms: ModelTerms) -> None:
        super().__init__()
        self.dtype = terms.dtype
        self.terms = torch.nn.ModuleList(_PairTerm(term, terms.dtype) for term in terms.pairs)
        self.cutoffs = _different(terms.pairs)
        self._lists = [self.cutoffs.index(term.cutoff) for term in terms.pairs]

    def forward(
        self, quaternions: Tensor, semiaxes: Tensor, types: Tensor, *edges: Tensor
    ) -> Results:
        """Sums ``(all,)``, ``(all, 3)`` and ``(all, 3)`` over the terms, in float64."""
        n, zeros = quaternions.shape[0], quaternions.new_zeros
        sums = zeros(n), zeros(n, 3), zeros(n, 3)
        particles = [x.to(self.dtype) for x in (quaternions, semiaxes)]
        for term, k in zip(self.terms, self._lists, strict=True):
            index, vectors = edges[2 * k : 2 * k + 2]
            found = term(types, *particles, vectors.to(self.dtype), index)
            sums = added(sums, found)
        return sums


class _PairTerm(torch.nn.Module):
    """Pair potential by the operation of its native kernel."""

    def __init__(self, term: Any, dtype: torch.dtype) -> None:
        super().__init__()
        self.cutoff: float = term.cutoff
        constants: list[Any]
        if isinstance(term, GayBerne):
            self._operation: Callable[..., Results] = gay_berne_terms
            constants = [term.epsilon, term.sigma, term.well_depths, term.is_sphere, *term.numbers]
        else:
            self._operation = pair_potential_terms
            constants = [term.weights.detach(), *term.functions]
        self.register_buffer("known_types", term.type_index.values)
        self._constants: list[Any] = []  # numbers, and names of buffers
        for k, value in enumerate(constants):
            if isinstance(value, np.ndarray):
                value = torch.from_numpy(value)
            if isinstance(value, Tensor):
                value = value.to(dtype) if value.is_floating_point() else value
                self.register_buffer(f"constant_{k}", value.contiguous())
                value = f"constant_{k}"
            self._constants.append(value)

    def forward(
        self, types: Tensor, quaternions: Tensor, semiaxes: Tensor, vectors: Tensor, index: Tensor
    ) -> Results:
        constants = [getattr(self, x) if isinstance(x, str) else x for x in self._constants]
        return self._operation(
            types, self.known_types, quaternions, semiaxes, vectors, index, *constants
        )


def added(sums: Results, terms: Results) -> Results:
    """Sums in the dtype of the first."""
    energies, forces, torques = (
        total + term.to(total.dtype) for total, term in zip(sums, terms, strict=True)
    )
    return energies, forces, torques


def _different(terms: Iterable[Any]) -> list[float]:
    cutoffs = {cutoff_of(term) for term in terms}
    return sorted(cutoff for cutoff in cutoffs if cutoff is not None)
