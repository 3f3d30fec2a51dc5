"""Forces of one configuration after another, with a neighbour list that is kept."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from ..graph import VerletList
from ..potentials import Mechanics, cutoff_of, mechanics


class ForceField:
    """Energies, forces, torques and virial of a model, with a neighbour list kept from call to call.

    :class:`NVE`, :class:`Langevin` and :class:`~anisoap_e3nn.interop.ase.AniSOAPCalculator` call it.

    Parameters
    ----------
    model : Module or function
        From data to energies of the particles ``(N,)``: a stack, a potential, a network, or anything else
        that :func:`~anisoap_e3nn.potentials.mechanics` takes.
    skin : float, optional
        A length, ≥ 0: neighbours are searched for again when a particle has moved half of it; by default a
        tenth of the cutoff. It changes the speed, not the forces.

    Attributes
    ----------
    cutoff : float or None
        The model's `cutoff`, else the largest of its embeddings; None if it has neither, and then the model
        searches for its neighbours itself.
    n_searches : int
        Number of searches for neighbours.

    Raises
    ------
    ValueError
        If the skin is negative.

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
        self.model, self.cutoff = model, cutoff_of(model)
        self._neighbors: VerletList | None = None
        if self.cutoff is not None:
            self._neighbors = VerletList(self.cutoff, self.cutoff / 10 if skin is None else skin)

    def __call__(self, data: Any) -> Mechanics:
        """:func:`~anisoap_e3nn.potentials.mechanics` of the model.

        Parameters
        ----------
        data : EllipsoidData or a Batch of them
            Left as it is; edges of its own are used, if they reach far enough.
        """
        return mechanics(self.model, data, neighbors=self._neighbors)

    @property
    def n_searches(self) -> int:
        return 0 if self._neighbors is None else self._neighbors.n_searches
