"""Models as ``pair_coeff`` names them, and their evaluation on the particles of one rank."""

import copy
import ctypes
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from ...geometry import torques_of_gradient
from ...graph import Edges
from ...graph.verlet import Neighbors
from ...potentials import OneBodyPotential, cutoff_of, load_model, read_metadata
from .exchange import FeatureExchange
from .interface import ModelProperties, Step
from .terms import ModelTerms, energies_of
from .units import energy_factor


class OpenedModel:
    """Model of a ``pair_coeff`` command: its terms, its types and its unit of energy.

    Pair potentials get each pair once, from the one rank that has it, and differentiate themselves. All
    other terms get the whole neighbourhoods of the rank's own particles, whose energies are differentiated
    by autograd, with respect to ghosts too. LAMMPS adds forces and torques of ghosts to their owners'.

    Parameters
    ----------
    words : str
        Model and its type for each of LAMMPS' types, or NULL, in lines.
    units : str
        Unit style of the script.
    models : mapping of str to Module
        Models by name. Other names are paths of checkpoints.
    library : CDLL
        The plugin.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no checkpoint, the model does not know a type, units cannot be converted, or the model
        has no cutoff.
    """

    def __init__(
        self,
        words: str,
        units: str,
        models: Mapping[str, torch.nn.Module],
        library: ctypes.CDLL,
    ) -> None:
        name, *types = words.split("\n")
        if name in models:
            model, units_of_model = copy.deepcopy(models[name]), None
        else:
            model, units_of_model = load_model(name), read_metadata(name).get("units")
        model = model.cpu().eval().requires_grad_(False)
        self.factor = energy_factor(units_of_model, units)
        terms = ModelTerms.of(model, name)
        self.types = torch.tensor([0, *terms.types_of_words(name, types)])  # LAMMPS counts from 1
        self.pairs, self.others, self.cutoff, self.dtype, _ = terms
        self.exchange = FeatureExchange(library, model)

    def describe(self, properties: ModelProperties) -> None:
        """Tell the pair style what the model needs."""
        properties.cutoff, properties.width = self.cutoff, self.exchange.width
        properties.pairs = bool(self.pairs)
        properties.neighborhoods = any(not isinstance(x, OneBodyPotential) for x in self.others)

    def evaluate(self, step: Step) -> None:
        """Write energies, forces and torques of a step."""
        data = SimpleNamespace(
            pos=step.positions.to(self.dtype),
            orientations=step.quaternions.to(self.dtype),
            semiaxes=step.semiaxes.to(self.dtype),
            types=self.types[step.types],
            cell=torch.zeros(1, 3, 3, dtype=self.dtype),
            batch=None,
        )
        for term in self.pairs:
            with torch.no_grad():
                edges = self._edges(term, step.pair_edges, step.pair_vectors)
                result = term.derivatives(data, edges)
            step.energies.add_(result.energies)
            step.forces.add_(result.forces)
            step.torques.add_(result.torques)
        if self.others:
            self._add_neighborhoods(step, data)
        if self.factor != 1.0:
            for values in (step.energies, step.forces, step.torques):
                values.mul_(self.factor)

    def _add_neighborhoods(self, step: Step, data: Any) -> None:
        positions = step.positions.clone().requires_grad_()
        orientations = step.quaternions.clone().requires_grad_()
        data.pos, data.orientations = positions.to(self.dtype), orientations.to(self.dtype)
        index = step.neighborhood_edges  # -> [2, edge]
        vectors = positions[index[0]] - positions[index[1]]  # -> [edge, 3]
        total = torch.zeros_like(step.energies[: step.n_local])
        for term in self.others:
            edges = None if cutoff_of(term) is None else self._edges(term, index, vectors)
            total = total + energies_of(term, data, edges)[: step.n_local]
        if not total.requires_grad:  # energies of types alone
            step.energies[: step.n_local] += total
            return
        d_positions, d_orientations = torch.autograd.grad(
            total.sum(), (positions, orientations), materialize_grads=True
        )
        step.energies[: step.n_local] += total.detach()
        step.forces.sub_(d_positions)
        step.torques.add_(torques_of_gradient(step.quaternions, d_orientations))

    def _edges(self, term: Any, index: Tensor, vectors: Tensor) -> Edges:
        """Edges within the cutoff of a term."""
        cutoff = cutoff_of(term) or self.cutoff
        if cutoff < self.cutoff:
            within = (vectors.detach().square().sum(1) < cutoff**2).nonzero().squeeze(1)
            index, vectors = index[:, within], vectors[within]
        shifts = torch.zeros(1, 3, dtype=self.dtype).expand(len(vectors), 3)
        return Edges(Neighbors(index, shifts), vectors.to(self.dtype))
