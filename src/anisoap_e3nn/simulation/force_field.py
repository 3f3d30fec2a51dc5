"""Forces of one configuration after the other, with neighbours that outlive small displacements."""

import copy
from collections.abc import Callable
from typing import Any

from torch import Tensor

from ..graph import InteractionGraph, VerletList
from ..potentials.mechanics import Mechanics, longest_cutoff, mechanics
from ..potentials.potential import Component
from ..potentials.stacked import StackedPotential


class ForceField:
    """Energies, forces, torques and virial by a model that keeps its neighbours from call to call.

    What :class:`NVE`, :class:`Langevin` and :class:`~anisoap_e3nn.interop.ase.AniSOAPCalculator` call.

    Parameters
    ----------
    model : Module or function
        From data to energies of the particles ``(N,)``: a :class:`StackedPotential`, a component, a
        network, or anything else that :func:`mechanics` takes.
    skin : float, optional
        A length, ≥ 0: neighbours are searched for again when a particle has moved half of it; by default a
        tenth of the cutoff. Whatever it is, the forces are the same.

    Attributes
    ----------
    cutoff : float or None
        The largest of the model; None if it has none that is known, and searches for itself.
    n_searches : int
        How many searches for neighbours there were.

    Raises
    ------
    ValueError
        For a skin that is negative.

    Examples
    --------
    >>> from anisoap_e3nn.gay_berne import gay_berne_pairs, triaxial_gay_berne
    >>> pair = gay_berne_pairs(sizes=(1, 0, 0)).train[0]
    >>> force_field = ForceField(triaxial_gay_berne(cutoff=4.0), skin=0.5)
    >>> before = force_field(pair).energy
    >>> pair.pos[1] *= 1.01
    >>> bool(force_field(pair).energy == before)
    False
    >>> force_field.n_searches
    1
    """

    def __init__(self, model: Callable[[Any], Tensor], skin: float | None = None) -> None:
        self.model = StackedPotential([model]) if isinstance(model, Component) else model
        self.cutoff = _cutoff(self.model)
        self._neighbors: VerletList | None = None
        if self.cutoff is not None:
            self._neighbors = VerletList(self.cutoff, self.cutoff / 10 if skin is None else skin)

    def __call__(self, data: Any) -> Mechanics:
        """What :func:`mechanics` returns for the model.

        Parameters
        ----------
        data : EllipsoidData or a Batch of them
            Left as it is; edges of its own are used, if they reach far enough.
        """
        if isinstance(self.model, StackedPotential):
            return self.model.mechanics(data, neighbors=self._neighbors)
        if self._neighbors is not None:
            edges = InteractionGraph(data, self._neighbors).edges(self._neighbors.cutoff)
            data = copy.copy(data)
            data.edge_index, data.edge_shifts = edges.edge_index, edges.edge_shifts
        return mechanics(self.model, data)

    @property
    def n_searches(self) -> int:
        return 0 if self._neighbors is None else self._neighbors.n_searches


def _cutoff(model: Any) -> float | None:
    cutoffs = (getattr(model, "cutoff", None), longest_cutoff(model))
    return max((float(cutoff) for cutoff in cutoffs if cutoff is not None), default=None)
