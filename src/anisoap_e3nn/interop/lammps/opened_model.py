"""Models as ``pair_coeff`` names them, and their evaluation on the particles of one rank."""

import copy
import ctypes
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile, is_zipfile

import torch
from torch import Tensor

from ...geometry import torques_of_gradient
from ...graph import Edges
from ...graph.verlet import Neighbors
from ...ops.backends.pair_native import PairInputs
from ...potentials import OneBodyPotential, cutoff_of, load_model, read_metadata
from ...potentials.units import energy_factor
from .exchange import FeatureExchange
from .interface import KernelProperties, ModelProperties, Step, StepPointers
from .kernel import PairKernel
from .terms import ModelTerms, energies_of


class OpenedModel:
    """Model of a ``pair_coeff`` command: its terms, its types and its unit of energy.

    Pair potentials get each pair once, from the one rank that has it, and differentiate themselves. All
    other terms get the whole neighbourhoods of the rank's own particles, whose energies are differentiated
    by autograd, with respect to ghosts too. LAMMPS adds forces and torques of ghosts to their owners'. The
    kernel of a single pair potential is called by the pair style itself, and by Python only if it refuses
    something.

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
        elif _is_package(name):
            raise ValueError(
                f"{name} is a compiled package, for pair_style anisoap/torch; expected a file of save_model"
            )
        else:
            model, units_of_model = load_model(name), read_metadata(name).get("units")
        model = model.cpu().eval().requires_grad_(False)
        self.factor = energy_factor(units_of_model, units)
        terms = ModelTerms.of(model, name)
        self.types = torch.tensor([0, *terms.types_of_words(name, types)])  # LAMMPS counts from 1
        self.pairs, self.others, self.cutoff, self.dtype, _ = terms
        self.exchange = FeatureExchange(library, model)
        is_one = len(self.pairs) == 1 and not self.others
        self.kernel = PairKernel.of(self.pairs[0]) if is_one else None
        self._step: Step | None = None  # the last one
        self._types_of, self._types = (torch.empty(0, dtype=torch.int64) for _ in range(2))

    def describe(self, properties: ModelProperties) -> None:
        """Tell the pair style what the model needs."""
        properties.cutoff, properties.width = self.cutoff, self.exchange.width
        properties.pairs = bool(self.pairs)
        properties.neighborhoods = any(not isinstance(x, OneBodyPotential) for x in self.others)
        properties.kernel = KernelProperties()
        if self.kernel is None:
            return
        known = self.pairs[0].type_index.values
        properties.kernel = KernelProperties(
            self.kernel.address,
            ctypes.addressof(self.kernel.constants),
            self.types.data_ptr(),
            known.data_ptr(),
            len(known),
            torch.get_num_threads(),
            self.factor,
        )

    def evaluate_at(self, pointers: StepPointers) -> None:
        """Write energies, forces and torques of a step that the pair style describes."""
        self._step = Step.of(pointers, self._step)
        self.evaluate(self._step)

    def evaluate(self, step: Step) -> None:
        """Write energies, forces and torques of a step."""
        if self._types_of is not step.types:
            self._types_of, self._types = step.types, self.types[step.types]
        sums = step.energies, step.forces, step.torques
        if not self.pairs:
            for values in sums:
                values.zero_()
        for number, term in enumerate(self.pairs):
            for values, found in zip(sums, self._pair_results(term, step), strict=False):
                values.copy_(found) if number == 0 else values.add_(found)
        if self.others:
            self._add_neighborhoods(step)
        if self.factor != 1.0:
            for values in sums:
                values.mul_(self.factor)

    def _pair_results(self, term: Any, step: Step) -> tuple[Tensor, ...]:
        """Energies, forces and torques of a pair potential, and what else the native kernel writes."""
        index, vectors = self._within(term, step.pair_edges, step.pair_vectors)
        semiaxes, orientations, vectors = (
            x.to(self.dtype) for x in (step.semiaxes, step.quaternions, vectors)
        )
        found = term.native_results(
            PairInputs(
                self._types, term.type_index.values, orientations, semiaxes, vectors, index,
                n_frames=0, once=True,
            )
        )  # fmt: skip
        if found is not None:
            return found
        index, vectors = torch.cat([index, index.flip(0)], 1), torch.cat([vectors, -vectors])
        result = term.derivatives(self._data(step), self._edges(index, vectors))
        return result.energies, result.forces, result.torques

    def _add_neighborhoods(self, step: Step) -> None:
        data = self._data(step)
        positions = step.positions.clone().requires_grad_()
        orientations = step.quaternions.clone().requires_grad_()
        data.pos, data.orientations = positions.to(self.dtype), orientations.to(self.dtype)
        index = step.neighborhood_edges  # -> [2, edge]
        vectors = positions[index[0]] - positions[index[1]]  # -> [edge, 3]
        total = torch.zeros_like(step.energies[: step.n_local])
        for term in self.others:
            edges = None
            if cutoff_of(term) is not None:
                edges = self._edges(*self._within(term, index, vectors))
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

    def _data(self, step: Step) -> Any:
        return SimpleNamespace(
            pos=step.positions.to(self.dtype),
            orientations=step.quaternions.to(self.dtype),
            semiaxes=step.semiaxes.to(self.dtype),
            types=self._types,
            cell=torch.zeros(1, 3, 3, dtype=self.dtype),
            batch=None,
        )

    def _within(self, term: Any, index: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Edges within the cutoff of a term."""
        cutoff = cutoff_of(term) or self.cutoff
        if cutoff < self.cutoff:
            within = (vectors.detach().square().sum(1) < cutoff**2).nonzero().squeeze(1)
            index, vectors = index[:, within], vectors[within]
        return index, vectors

    def _edges(self, index: Tensor, vectors: Tensor) -> Edges:
        shifts = torch.zeros(1, 3, dtype=self.dtype).expand(len(vectors), 3)
        return Edges(Neighbors(index, shifts), vectors.to(self.dtype))


def _is_package(name: str) -> bool:
    """Whether a file is what ``anisoap-e3nn export`` makes of a model."""
    if not Path(name).is_file() or not is_zipfile(name):
        return False
    with ZipFile(name) as file:
        return any("/data/aotinductor/" in each for each in file.namelist())
