"""Terms of a model, as the pair style serves them."""

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...gay_berne import GayBerne
from ...graph import Edges
from ...potentials import PairPotential, Potential, cutoff_of
from ...potentials.stacked import terms_of


class ModelTerms(NamedTuple):
    """Terms of a model by what they need of LAMMPS.

    Pair potentials get each pair once, from the one rank that has it, and differentiate themselves. All
    other terms get the whole neighbourhoods of the rank's own particles.
    """

    pairs: list[Any]
    others: list[Any]
    cutoff: float  # largest of all terms
    dtype: torch.dtype
    known_types: list[int] | None  # None if any type will do

    @classmethod
    def of(cls, model: torch.nn.Module, name: str) -> "ModelTerms":
        """Terms of a model of that name.

        Raises
        ------
        ValueError
            If the model has no cutoff.
        """
        terms, cutoff = terms_of(model), cutoff_of(model)
        if cutoff is None:
            raise ValueError(
                f"{name} has no cutoff, so it knows no neighbours; expected one that has"
            )
        known = [set(term.types) for term in terms if hasattr(term, "types")]
        are_pairs = [isinstance(term, GayBerne | PairPotential) for term in terms]
        return cls(
            [term for term, is_pair in zip(terms, are_pairs, strict=True) if is_pair],
            [term for term, is_pair in zip(terms, are_pairs, strict=True) if not is_pair],
            cutoff,
            _dtype(model),
            sorted(set.intersection(*known)) if known else None,
        )

    def types_of_words(self, name: str, words: Sequence[str]) -> list[int]:
        """Types of the model for each of LAMMPS' types; 0 for NULL, whose particles no model sees.

        Raises
        ------
        ValueError
            If a word is neither a type of the model of that name nor NULL.
        """
        found = []
        for number, word in enumerate(words, 1):
            if word == "NULL":
                found.append(0)
                continue
            is_integer = word.removeprefix("-").isdecimal()
            if not is_integer or not (self.known_types is None or int(word) in self.known_types):
                expected = self.known_types or "an integer"
                raise ValueError(
                    f"found type {word!r} in pair_coeff for atom type {number}, expected NULL or one of the "
                    f"types of {name}, {expected}"
                )
            found.append(int(word))
        return found


def energies_of(term: Any, data: Any, edges: Edges | None) -> Tensor:
    """Energies of the particles ``(N,)`` from one term, with its edges as it takes them."""
    if edges is None:
        energies: Tensor = term(data)
        return energies
    if isinstance(term, Potential):
        return term(data, edges)
    data = copy.copy(data)
    data.edge_index, data.edge_shifts = edges.edge_index, edges.edge_shifts
    of_data: Tensor = term(data)
    return of_data


def _dtype(model: torch.nn.Module) -> torch.dtype:
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point():
            return tensor.dtype
    return torch.get_default_dtype()
