"""Repulsion of surfaces: a prior that keeps particles apart where there are no data."""

from collections.abc import Iterable, Iterator, Sequence
from math import exp
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Self

from ...arguments import positive
from ...data.batches import frame_iterable
from ...graph import edges_of
from .gaps import smallest_gap
from .potential import PairPotential

_DECAY = 1 / 15  # decay length in nearest distances: r^-12 near contact falls like this


class SurfaceRepulsion(PairPotential):
    r"""Repulsion of the surfaces of two ellipsoids, without parameters to fit.

    .. math:: E_{ij} = s(r) \, A \, e^{-(r - \sigma) / \ell}

    with the gap :math:`r - \sigma` and the switch s of :class:`PairPotential`. The energy rises without end
    as particles overlap. Beside a fitted potential or a network, in a :class:`StackedPotential`, it is a
    prior: :func:`~anisoap_e3nn.fitting.fit_linear` and training leave it as it is.

    Parameters
    ----------
    types, cutoff
        As for :class:`PairPotential`.
    strength : float
        :math:`A > 0`, the energy of surfaces in contact.
    decay_length : float
        :math:`\ell > 0`, a length.

    Raises
    ------
    ValueError
        If a hyperparameter is out of range.

    Examples
    --------
    >>> from anisoap_e3nn import EllipsoidData
    >>> pair = EllipsoidData([[0.0, 0, 0], [0, 0, 2.0]], [[1.0, 0, 0, 0]] * 2, [[1.0, 1, 1]] * 2, [0, 0])
    >>> repulsion = SurfaceRepulsion([0], cutoff=4.0, strength=3.0, decay_length=0.2)
    >>> round(float(repulsion(pair).sum()), 3)
    3.0
    """

    def __init__(
        self, types: Sequence[int], cutoff: float, strength: float, decay_length: float
    ) -> None:
        decay_length = positive("decay_length", decay_length, "length")
        super().__init__(types, cutoff, n_radial=2, max_degree=0, decay_length=decay_length)
        strength = positive("strength", strength, "energy")
        self.hyperparameters = {
            "types": self.types,
            "cutoff": self.cutoff,
            "strength": strength,
            "decay_length": decay_length,
        }
        n_weights = len(self.weights)
        del self.weights
        # T_0 + T_1 = 2 exp(-gap / l)
        self.register_constant("weights", torch.full((n_weights,), strength / 2).double())

    @classmethod
    def of_frames(cls, frames: Iterable[Any], cutoff: float) -> Self:
        r"""Repulsion that sets in where the data end.

        At the smallest gap :math:`g_0` of the frames its force is the root mean square f of the forces,
        :math:`A = f \ell \, e^{g_0 / \ell}`, and :math:`\ell` is a fifteenth of the smallest distance.

        Parameters
        ----------
        frames : iterable of EllipsoidData
            Frames with `forces` ``(N, 3)``.
        cutoff : float
            Largest distance of the centres, a length.

        Raises
        ------
        ValueError
            If a frame has no forces, all forces are zero, or no two particles are within the cutoff.
        """
        frames = list(frame_iterable(frames))
        missing = [number for number, data in enumerate(frames) if "forces" not in data]
        if missing:
            raise ValueError(
                f"found no forces in frame {missing[0]}, expected forces in every frame; or give strength "
                "and decay_length"
            )
        gap = smallest_gap(frames, cutoff)
        nearest = min(float(lengths.min()) for lengths in _distances(frames, cutoff))
        forces = torch.cat([data.forces for data in frames]).double()  # -> [particle, 3]
        size = float(forces.square().sum(1).mean().sqrt())
        if size == 0:
            raise ValueError("found forces of zero in all frames; give strength and decay_length")
        decay_length = _DECAY * nearest
        strength = size * decay_length * exp(gap / decay_length)
        types = torch.cat([data.types for data in frames]).unique().tolist()
        return cls(types, cutoff, strength, decay_length)

    def __repr__(self) -> str:
        given = ", ".join(f"{k}={v!r}" for k, v in self.hyperparameters.items())
        return f"{type(self).__name__}({given})"


def _distances(frames: Iterable[Any], cutoff: float) -> Iterator[Tensor]:
    """Lengths of the edges of each frame that has some."""
    for data in frames:
        lengths = edges_of(data, cutoff).edge_vectors.norm(dim=1)
        if len(lengths):
            yield lengths
