"""Models as ``pair_coeff`` names them, and their evaluation on the particles of one rank."""

import copy
import ctypes
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from ...gay_berne import GayBerne
from ...geometry import torques_of_gradient
from ...graph import Edges
from ...graph.verlet import Neighbors
from ...potentials import (
    OneBodyPotential,
    PairPotential,
    Potential,
    cutoff_of,
    load_model,
    read_metadata,
)
from ...potentials.stacked import terms_of
from .exchange import FeatureExchange
from .interface import ModelProperties, Step
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
        terms = terms_of(model)
        self.types = torch.tensor([0, *_types(name, types, terms)])  # LAMMPS counts from 1
        cutoff = cutoff_of(model)
        if cutoff is None:
            raise ValueError(
                f"{name} has no cutoff, so it knows no neighbours; expected one that has"
            )
        self.cutoff, self.dtype = cutoff, _dtype(model)
        self.pairs = [term for term in terms if isinstance(term, GayBerne | PairPotential)]
        self.others = [term for term in terms if not isinstance(term, GayBerne | PairPotential)]
        self.exchange = FeatureExchange(library, model)

    def describe(self, properties: ModelProperties) -> None:
        """Tell the pair style what the model needs."""
        properties.cutoff, properties.width = self.cutoff, self.exchange.width
        properties.pairs = bool(self.pairs)
        properties.neighborhoods = any(not isinstance(x, OneBodyPotential) for x in self.others)

    def evaluate(self, step: Step) -> None:
        """Write energies, forces and torques of a step."""
        self.exchange.n_local = step.n_local
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
            total = total + self._energies(term, data, index, vectors)[: step.n_local]
        if not total.requires_grad:  # energies of types alone
            step.energies[: step.n_local] += total
            return
        d_positions, d_orientations = torch.autograd.grad(
            total.sum(), (positions, orientations), materialize_grads=True
        )
        step.energies[: step.n_local] += total.detach()
        step.forces.sub_(d_positions)
        step.torques.add_(torques_of_gradient(step.quaternions, d_orientations))

    def _energies(self, term: Any, data: Any, index: Tensor, vectors: Tensor) -> Tensor:
        if cutoff_of(term) is None:
            return term(data)
        edges = self._edges(term, index, vectors)
        if isinstance(term, Potential):
            return term(data, edges)
        data = copy.copy(data)
        data.edge_index, data.edge_shifts = edges.edge_index, edges.edge_shifts
        return term(data)

    def _edges(self, term: Any, index: Tensor, vectors: Tensor) -> Edges:
        """Edges within the cutoff of a term."""
        cutoff = cutoff_of(term) or self.cutoff
        if cutoff < self.cutoff:
            within = (vectors.detach().square().sum(1) < cutoff**2).nonzero().squeeze(1)
            index, vectors = index[:, within], vectors[within]
        shifts = torch.zeros(1, 3, dtype=self.dtype).expand(len(vectors), 3)
        return Edges(Neighbors(index, shifts), vectors.to(self.dtype))


def _types(name: str, words: list[str], terms: list[Any]) -> list[int]:
    """Types of the model for each of LAMMPS' types; 0 for NULL, whose particles no model sees."""
    known = [set(term.types) for term in terms if hasattr(term, "types")]
    found = []
    for number, word in enumerate(words, 1):
        if word == "NULL":
            found.append(0)
            continue
        if not word.removeprefix("-").isdecimal() or not all(int(word) in each for each in known):
            expected = sorted(set.intersection(*known)) if known else "an integer"
            raise ValueError(
                f"found type {word!r} in pair_coeff for atom type {number}, expected NULL or one of the "
                f"types of {name}, {expected}"
            )
        found.append(int(word))
    return found


def _dtype(model: torch.nn.Module) -> torch.dtype:
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point():
            return tensor.dtype
    return torch.get_default_dtype()
