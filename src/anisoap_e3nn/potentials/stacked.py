"""Potentials that are sums of parts, on one graph."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ..geometry import rotation_matrices
from ..graph import InteractionGraph, VerletList, frame_index
from .mechanics import Mechanics, mechanics, stress_of
from .potential import Analytic, Component, Design, Linear


class StackedPotential(torch.nn.Module):
    r"""The sum of components, each with the cutoff it needs, all on one graph.

    .. math:: E = \sum_i \sum_c E^{(c)}_i

    Neighbours are searched for once, up to the largest cutoff; each component gets exactly the edges within
    its own, and components with equal cutoffs the same tensors. Components that know their derivatives
    (:class:`OneBodyPotential`, :class:`PairPotential`) are evaluated without autograd, the others share one
    backward pass; if there are none, there is none.

    Parameters
    ----------
    components : iterable of Component
        Such as one-body, pair and many-body potentials.

    Attributes
    ----------
    components : ModuleList
    cutoff : float or None
        The largest; None if no component needs neighbours.

    Raises
    ------
    ValueError
        Without components.
    TypeError
        For something that is none.

    Examples
    --------
    >>> from anisoap_e3nn.potentials import OneBodyPotential, PairPotential
    >>> stack = StackedPotential([OneBodyPotential([0]), PairPotential([0], cutoff=4.0)])
    >>> stack.cutoff
    4.0
    """

    def __init__(self, components: Iterable[Component]) -> None:
        super().__init__()
        parts = list(components)
        for part in parts:
            if not isinstance(part, Component):
                raise TypeError(f"expected components, found {type(part).__name__}: {part!r}")
        if not parts:
            raise ValueError("expected one or more components, found none")
        self.components = torch.nn.ModuleList(parts)

    @property
    def cutoff(self) -> float | None:
        parts: Iterable[Any] = self.components
        return max((part.cutoff for part in parts if part.cutoff is not None), default=None)

    def neighbors(self, skin: float = 0.0) -> VerletList | None:
        """A list to be kept from one configuration to the next; None if no component needs it."""
        return None if self.cutoff is None else VerletList(self.cutoff, skin)

    def forward(self, data: Any, neighbors: VerletList | None = None) -> Tensor:
        """Energies of the particles.

        Parameters
        ----------
        data : EllipsoidData or a Batch of them
            Edges of its own are used, if they reach far enough.
        neighbors : VerletList, optional
            From :meth:`neighbors`, to be kept.

        Returns
        -------
        Tensor ``(N,)``
        """
        return _Configuration(self, data, neighbors).energies(self.components)

    def mechanics(
        self,
        data: Any,
        *,
        body_frame: bool = False,
        create_graph: bool = False,
        neighbors: VerletList | None = None,
    ) -> Mechanics:
        """Energies and their derivatives; what :func:`~anisoap_e3nn.potentials.mechanics` does of any model.

        Parameters
        ----------
        data : EllipsoidData or a Batch of them
        body_frame, create_graph : bool
            As for :func:`~anisoap_e3nn.potentials.mechanics`.
        neighbors : VerletList, optional
            From :meth:`neighbors`, to be kept.

        Returns
        -------
        Mechanics
        """
        analytic = [part for part in self.components if isinstance(part, Analytic)]
        others = [part for part in self.components if not isinstance(part, Analytic)]
        configuration = _Configuration(self, data, neighbors)
        total: Mechanics | None = None
        if others:

            def energies(leaves: Any) -> Tensor:
                nonlocal configuration
                configuration = _Configuration(self, leaves, neighbors)
                return configuration.energies(others)

            total = mechanics(energies, data, body_frame=body_frame, create_graph=create_graph)
        with torch.set_grad_enabled(create_graph):
            for part in analytic:
                result = configuration.mechanics(part, body_frame)
                total = result if total is None else Mechanics(*map(torch.add, total, result))
        assert total is not None
        return total

    def design(self, data: Any) -> Design:
        """What each weight of all components, in turn, contributes to energies, forces and torques.

        Raises
        ------
        TypeError
            For components that are not linear in their weights.
        """
        self._linear_weights()
        configuration = _Configuration(self, data)
        designs = [configuration.design(part) for part in self.components]
        return Design(*(torch.cat(columns, dim=-1) for columns in zip(*designs, strict=True)))

    def set_linear_weights(self, values: Tensor) -> None:
        """Overwrite the weights that :meth:`design` is about, ``(weight,)``."""
        weights = self._linear_weights()
        with torch.no_grad():
            for part, new in zip(weights, values.split([x.numel() for x in weights]), strict=True):
                part.copy_(new.view_as(part))

    def _linear_weights(self) -> list[Tensor]:
        found = []
        for part in self.components:
            if not isinstance(part, Linear) or (weights := part.linear_weights) is None:
                raise TypeError(f"not linear in its weights: {part!r}")
            found.append(weights)
        return found


class _Configuration:
    """Data with one graph for all components."""

    def __init__(
        self, stack: StackedPotential, data: Any, neighbors: VerletList | None = None
    ) -> None:
        self.data = data
        cutoff = stack.cutoff
        if neighbors is not None and cutoff is not None and neighbors.cutoff < cutoff:
            raise ValueError(
                f"neighbors reach {neighbors.cutoff}, but the potential needs them up to {cutoff}; use "
                "potential.neighbors(skin)"
            )
        self.graph = None if cutoff is None else InteractionGraph(data, neighbors or cutoff)

    def energies(self, parts: Iterable[torch.nn.Module]) -> Tensor:
        total = torch.zeros_like(self.data.pos[:, 0])
        for part in parts:
            total = total + part(self.data, self._edges(part))
        return total  # -> [particle]

    def mechanics(self, part: Any, body_frame: bool) -> Mechanics:
        energies, forces, torques, virial = part.derivatives(self.data, self._edges(part))
        frames, n_frames = frame_index(self.data)
        energy = energies.new_zeros(n_frames).index_add(0, frames, energies)
        if body_frame:
            rotations = rotation_matrices(self.data.orientations)
            torques = (torques[:, None] @ rotations).squeeze(1)
        stress = stress_of(virial, self.data.cell)
        return Mechanics(energy, forces, torques, virial, stress, energies)

    def design(self, part: Any) -> Design:
        return part.design(self.data, self._edges(part))

    def _edges(self, part: Any) -> Any:
        if part.cutoff is None or self.graph is None:
            return None
        return self.graph.edges(part.cutoff)
