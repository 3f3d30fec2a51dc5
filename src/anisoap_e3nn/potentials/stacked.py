"""Potentials that are sums of terms, on one graph."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from ..graph import VerletList
from .configuration import Configuration, largest_cutoff
from .potential import Design, Linear


class StackedPotential(torch.nn.Module):
    r"""The sum of potentials, each with the cutoff it needs, all on one graph.

    .. math:: E = \sum_i \sum_c E^{(c)}_i

    Neighbours are searched for once, up to the largest cutoff. Each component gets exactly the edges within
    its own cutoff, and components with equal cutoffs the same tensors. See
    :func:`~anisoap_e3nn.potentials.mechanics` for forces.

    Parameters
    ----------
    components : iterable of Module
        From data to energies of the particles ``(N,)``: one-body, pair and many-body potentials, networks,
        or modules of your own. A :class:`Potential` is called with the data and its edges, any other module
        with data that hold `edge_index` and `edge_shifts` up to its `cutoff`, if it has one.

    Attributes
    ----------
    components : ModuleList
    cutoff : float or None
        The largest; None if no component needs neighbours.
    hyperparameters : dict
        The arguments, for :func:`~anisoap_e3nn.potentials.save_model`.

    Raises
    ------
    ValueError
        Without components.
    TypeError
        For components that are not modules.

    Examples
    --------
    >>> from anisoap_e3nn.potentials import OneBodyPotential, PairPotential
    >>> stack = StackedPotential([OneBodyPotential([0]), PairPotential([0], cutoff=4.0)])
    >>> stack.cutoff
    4.0
    """

    def __init__(self, components: Iterable[torch.nn.Module]) -> None:
        super().__init__()
        terms = list(components)
        for term in terms:
            if not isinstance(term, torch.nn.Module):
                raise TypeError(f"components are modules, found {type(term).__name__}: {term!r}")
        if not terms:
            raise ValueError("expected one or more components, found none")
        self.components = torch.nn.ModuleList(terms)

    @property
    def hyperparameters(self) -> dict[str, Any]:
        return {"components": list(self.components)}

    @property
    def cutoff(self) -> float | None:
        return largest_cutoff(self.components)

    def forward(self, data: Any, neighbors: VerletList | None = None) -> Tensor:
        """Energies of the particles.

        Parameters
        ----------
        data : EllipsoidData or a Batch of them
            Edges of its own are used, if they reach far enough.
        neighbors : VerletList, optional
            To be kept from one configuration to the next.

        Returns
        -------
        Tensor ``(N,)``
        """
        configuration = Configuration(data, self.components, neighbors)
        energies = [configuration.energies(term) for term in self.components]  # -> [particle] each
        return sum(energies[1:], start=energies[0])

    def design(self, data: Any) -> Design:
        """Derivatives of energies, forces and torques with respect to the weights of all components, in turn.

        Raises
        ------
        TypeError
            For components that are not linear in their weights.
        """
        terms = [term for term, _ in self._linear_terms()]
        configuration = Configuration(data, terms)
        designs = [term.design(data, configuration.edges(term)) for term in terms]
        return Design(*(torch.cat(columns, dim=-1) for columns in zip(*designs, strict=True)))

    def set_linear_weights(self, values: Tensor) -> None:
        """Overwrite the weights ``(weight,)``, in the order of :meth:`design`."""
        weights = [weights for _, weights in self._linear_terms()]
        with torch.no_grad():
            for part, new in zip(weights, values.split([x.numel() for x in weights]), strict=True):
                part.copy_(new.view_as(part))

    def _linear_terms(self) -> list[tuple[Linear, Tensor]]:
        found = []
        for term in terms_of(self):
            if not isinstance(term, Linear) or (weights := term.linear_weights) is None:
                raise TypeError(f"not linear in its weights: {term!r}")
            found.append((term, weights))
        return found


def terms_of(model: Callable[[Any], Tensor]) -> list[Any]:
    """The components of a stack, those of stacks within it too, or the model itself."""
    if not isinstance(model, StackedPotential):
        return [model]
    return [term for component in model.components for term in terms_of(component)]
