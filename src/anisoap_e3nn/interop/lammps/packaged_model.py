"""A model as one module from LAMMPS' arrays to energies, forces and torques, for ``torch.export``."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...gay_berne import GayBerne
from ...geometry import torques_of_gradient
from ...graph import Edges
from ...graph.verlet import Neighbors
from ...ops.backends.pair_operations import gay_berne_terms, pair_potential_terms
from ...potentials import OneBodyPotential, cutoff_of
from ...potentials.compilation import TensorAttributes
from .terms import ModelTerms, energies_of

Results = tuple[Tensor, Tensor, Tensor]


class PackagedModel(torch.nn.Module):
    """Energies, forces and torques of the particles of one rank.

    Parameters
    ----------
    terms : ModelTerms
        Terms of the model.

    Attributes
    ----------
    pair_cutoffs, neighborhood_cutoffs : list of float
        Different cutoffs of pair potentials and of other terms: for each of them the pair style makes a list
        of edges, so that no term sees edges beyond its own cutoff.
    """

    def __init__(self, terms: ModelTerms) -> None:
        super().__init__()
        self.dtype = terms.dtype
        self.pairs = torch.nn.ModuleList(_PairTerm(term, terms.dtype) for term in terms.pairs)
        self.others = torch.nn.ModuleList(terms.others)
        with_edges = [x for x in terms.others if not isinstance(x, OneBodyPotential)]
        self.pair_cutoffs = _different(terms.pairs)
        self.neighborhood_cutoffs = _different(with_edges)
        self._pair_lists = [self.pair_cutoffs.index(term.cutoff) for term in self.pairs]
        self._lists = [
            None if (cutoff := cutoff_of(term)) is None else self.neighborhood_cutoffs.index(cutoff)
            for term in terms.others
        ]

    def forward(
        self,
        positions: Tensor,
        quaternions: Tensor,
        semiaxes: Tensor,
        types: Tensor,
        n_local: Tensor,
        pair_edges: Sequence[Tensor],
        pair_vectors: Sequence[Tensor],
        neighborhood_edges: Sequence[Tensor],
    ) -> Results:
        """Evaluate the terms.

        Parameters
        ----------
        positions, semiaxes : Tensor ``(all, 3)``, float64
        quaternions : Tensor ``(all, 4)``, float64
        types : Tensor ``(all,)``, int64
            Types of the model.
        n_local : Tensor ``()``, int64
            Number of the rank's own particles, which come first.
        pair_edges : sequence of Tensor ``(2, edge)``, int64
            For each of `pair_cutoffs` both directions of each pair that this rank has.
        pair_vectors : sequence of Tensor ``(edge, 3)``, float64
            Vectors of these edges, from centre to neighbour.
        neighborhood_edges : sequence of Tensor ``(2, edge)``, int64
            For each of `neighborhood_cutoffs` all neighbours of the rank's own particles.

        Returns
        -------
        tuple of Tensor
            Energies ``(all,)``, forces and torques ``(all, 3)``, float64.
        """
        n, zeros = positions.shape[0], positions.new_zeros
        sums = zeros(n), zeros(n, 3), zeros(n, 3)
        particles = [x.to(self.dtype) for x in (quaternions, semiaxes)]
        for term, k in zip(self.pairs, self._pair_lists, strict=True):
            found = term(types, *particles, pair_vectors[k].to(self.dtype), pair_edges[k])
            sums = _added(sums, found)
        if len(self.others) > 0:
            own = torch.arange(n) < n_local
            sums = _added(
                sums,
                self._neighborhoods(positions, quaternions, semiaxes, types, own, neighborhood_edges),
            )
        return sums

    def _neighborhoods(
        self,
        positions: Tensor,
        quaternions: Tensor,
        semiaxes: Tensor,
        types: Tensor,
        own: Tensor,
        edges: Sequence[Tensor],
    ) -> Results:
        positions, quaternions = (x.detach().requires_grad_() for x in (positions, quaternions))
        data = TensorAttributes(
            {
                "pos": positions.to(self.dtype),
                "orientations": quaternions.to(self.dtype),
                "semiaxes": semiaxes.to(self.dtype),
                "types": types,
                "cell": positions.new_zeros(1, 3, 3).to(self.dtype),
                "batch": None,
            }
        )
        of_lists = [self._edges(positions, index) for index in edges]
        total = 0 * positions.sum(1)  # energies of types alone can be differentiated too
        for term, k in zip(self.others, self._lists, strict=True):
            total = total + energies_of(term, data, None if k is None else of_lists[k])
        energies = torch.where(own, total, 0.0)  # ghosts have theirs on other ranks
        d_positions, d_quaternions = torch.autograd.grad(
            energies.sum(), (positions, quaternions), materialize_grads=True
        )
        torques = torques_of_gradient(quaternions.detach(), d_quaternions)
        return energies.detach(), -d_positions, torques

    def _edges(self, positions: Tensor, index: Tensor) -> Edges:
        neighbors, centers = index
        # in double precision, since positions may be far from the origin
        vectors = positions.index_select(0, neighbors) - positions.index_select(0, centers)
        vectors = vectors.to(self.dtype)  # -> [edge, 3]
        return Edges(Neighbors(index, torch.zeros_like(vectors)), vectors)


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


def _added(sums: Results, terms: Results) -> Results:
    energies, forces, torques = (
        total + term.to(total.dtype) for total, term in zip(sums, terms, strict=True)
    )
    return energies, forces, torques


def _different(terms: Iterable[Any]) -> list[float]:
    cutoffs = {cutoff_of(term) for term in terms}
    return sorted(cutoff for cutoff in cutoffs if cutoff is not None)
