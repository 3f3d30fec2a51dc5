"""Force field: mechanics of a model with a Verlet list."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from ..graph import VerletList
from ..potentials import Mechanics, cutoff_of, mechanics
from ..tensor_arguments import check_callable


class ForceField:
    """Energies, forces, torques and virial of a model, with a Verlet list that is reused between calls.

    Use it for :class:`NVE` and :class:`Langevin`. :class:`~anisoap_e3nn.interop.ase.AniSOAPCalculator` is
    built on it.

    Parameters
    ----------
    model : Module or function
        From data to energies of the particles ``(N,)``, such as a stack, a potential or a network; see
        :func:`~anisoap_e3nn.potentials.mechanics`.
    skin : float, optional
        Skin of the Verlet list, a length ≥ 0; by default a tenth of the cutoff. Neighbours are searched again
        when a particle has moved by half of the skin. It affects the speed, not the forces.

    Attributes
    ----------
    cutoff : float or None
        Cutoff of the model: its `cutoff`, else the largest of its potentials and embeddings. None if it has
        none of these; the model then finds its neighbours itself.
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
        check_callable("model", model)
        self.model, self.cutoff = model, cutoff_of(model)
        self._neighbors: VerletList | None = None
        if self.cutoff is not None:
            self._neighbors = VerletList(self.cutoff, self.cutoff / 10 if skin is None else skin)

    def __call__(self, data: Any) -> Mechanics:
        """Evaluate :func:`~anisoap_e3nn.potentials.mechanics` of the model.

        Parameters
        ----------
        data : EllipsoidData or a Batch of them
            Configuration, not modified. Its own edges, if it has some, must reach up to `cutoff`.

        Returns
        -------
        Mechanics
        """
        return mechanics(self.model, data, neighbors=self._neighbors)

    @property
    def n_searches(self) -> int:
        return 0 if self._neighbors is None else self._neighbors.n_searches
