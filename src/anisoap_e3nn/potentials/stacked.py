"""Stacked potentials: sums of potentials on one graph."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from ..graph import VerletList
from ..layer import Layer
from .configuration import Configuration, largest_cutoff
from .potential import Design, Linear


class StackedPotential(Layer):
    r"""Sum of potentials with individual cutoffs on one graph.

    .. math:: E = \sum_i \sum_c E^{(c)}_i

    Neighbours are searched once, up to the largest cutoff. Each component gets exactly the edges within its
    own cutoff. Components with equal cutoffs share tensors. For forces see
    :func:`~anisoap_e3nn.potentials.mechanics`.

    Parameters
    ----------
    components : iterable of Module
        Modules from data to energies of the particles ``(N,)``: one-body, pair and many-body potentials,
        networks, or your own. A :class:`Potential` gets the data and its edges as arguments. Another module
        with a `cutoff` finds its edges in the data, as `edge_index` and `edge_shifts`.

    Attributes
    ----------
    components : ModuleList
        Potentials of the sum.
    cutoff : float or None
        Largest cutoff; None if no component has one.
    hyperparameters : dict
        Arguments of the constructor, for :func:`~anisoap_e3nn.potentials.save_model`.

    Raises
    ------
    ValueError
        If there are no components.
    TypeError
        If a component is not a module.

    Examples
    --------
    >>> from anisoap_e3nn.potentials import OneBodyPotential, PairPotential
    >>> stack = StackedPotential([OneBodyPotential([0]), PairPotential([0], cutoff=4.0)])
    >>> stack.cutoff
    4.0
    """

    def __init__(self, components: Iterable[torch.nn.Module]) -> None:
        super().__init__()
        if not isinstance(components, Iterable) or hasattr(components, "ndim"):
            raise TypeError(f"components is {components!r:.100}, expected a list of Modules")
        terms = list(components)
        for term in terms:
            if not isinstance(term, torch.nn.Module):
                raise TypeError(
                    f"components contains a {type(term).__name__}, {term!r}, expected a Module"
                )
        if not terms:
            raise ValueError("components is empty, expected one or more Modules")
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
            One or more frames. Their own edges, if they have some, must reach up to `cutoff`.
        neighbors : VerletList, optional
            Neighbour list to reuse for several configurations.

        Returns
        -------
        Tensor ``(N,)``
        """
        configuration = Configuration(data, self.components, neighbors)
        energies = [configuration.energies(term) for term in self.components]  # -> [particle] each
        return sum(energies[1:], start=energies[0])

    @property
    def fixed(self) -> list[torch.nn.Module]:
        """Components, also of stacks within, without parameters that require grad.

        A :class:`SurfaceRepulsion`, for example, or a potential after ``requires_grad_(False)``. Fits leave
        them as they are.
        """
        return [term for term in terms_of(self) if _is_fixed(term)]

    def design(self, data: Any) -> Design:
        """Design matrix for the weights of all components that are not fixed, in order.

        Raises
        ------
        TypeError
            If a component that is not :attr:`fixed` is not linear in its weights.
        """
        terms = [term for term, _ in self._linear_terms()]
        configuration = Configuration(data, terms)
        designs = [term.design(data, configuration.edges(term)) for term in terms]
        return Design(*(torch.cat(columns, dim=-1) for columns in zip(*designs, strict=True)))

    def set_linear_weights(self, values: Tensor) -> None:
        """Overwrite the weights by values ``(weight,)``, in the order of :meth:`design`."""
        weights = [weights for _, weights in self._linear_terms()]
        with torch.no_grad():
            for part, new in zip(weights, values.split([x.numel() for x in weights]), strict=True):
                part.copy_(new.view_as(part))

    def _linear_terms(self) -> list[tuple[Linear, Tensor]]:
        found = []
        for term in terms_of(self):
            if _is_fixed(term):
                continue
            if not isinstance(term, Linear) or (weights := term.linear_weights) is None:
                raise TypeError(
                    f"found a component that is not linear in its weights, {term!r}; hold it fixed with "
                    "requires_grad_(False)"
                )
            found.append((term, weights))
        if not found:
            raise ValueError(
                f"found only fixed components, {self!r}, expected one with weights to fit"
            )
        return found


def _is_fixed(term: torch.nn.Module) -> bool:
    return not any(parameter.requires_grad for parameter in term.parameters())


def terms_of(model: Callable[[Any], Tensor]) -> list[Any]:
    """Components of a stack and of stacks within it; for another model, the model itself."""
    if not isinstance(model, StackedPotential):
        return [model]
    return [term for component in model.components for term in terms_of(component)]
