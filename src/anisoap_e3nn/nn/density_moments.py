"""Damped moments of the densities around each particle."""

from typing import NamedTuple

import torch
from torch import Tensor

from ..basis import RadialBasis, unit_of_moments
from ..geometry import damped_covariances
from ..ops import gaussian_moments
from .inputs import refuse_lengths


class DensityEdges(NamedTuple):
    """Edges of a density expansion, and the densities that they contribute to.

    Attributes
    ----------
    vectors : Tensor ``(edge, 3)``
        r_neighbour - r_centre, a length.
    weights : Tensor ``(edge,)`` or None
        Values of the cutoff function; None for ones.
    neighbors : Tensor ``(edge,)``, int64
    segments : Tensor ``(edge,)``, int64
        Number of the density: n_densities · centre + density.
    n_segments : int
    own_segments : Tensor ``(N,)``, int64, or None
        The density that each particle's own is part of; None if it is left out.
    """

    vectors: Tensor
    weights: Tensor | None
    neighbors: Tensor
    segments: Tensor
    n_segments: int
    own_segments: Tensor | None


class DensityMoments:
    r"""Moments of densities times :math:`e^{-\beta |x|^2 / 2}`, one sweep over the edges for each exponent.

    Parameters
    ----------
    basis : RadialBasis
        Its exponents :math:`\beta`.
    cutoff : float
        A length.

    Attributes
    ----------
    units : list of float
        Unit of length of the moments for each exponent; see :func:`~anisoap_e3nn.basis.unit_of_moments`.
    """

    def __init__(self, basis: RadialBasis, cutoff: float) -> None:
        self.exponents, self.cutoff = basis.exponents, cutoff
        self.units = [unit_of_moments(exponent, cutoff) for exponent in self.exponents]

    def __call__(
        self, edges: DensityEdges, orientations: Tensor, semiaxes: Tensor, degree: int
    ) -> Tensor:
        """Compute the moments of all densities.

        Parameters
        ----------
        edges : DensityEdges
        orientations : Tensor ``(N, 4)`` or ``(N, 3, 3)``
        semiaxes : Tensor ``(N, 3)``
            Standard deviations of the particles' densities, a length.
        degree : int
            Largest degree of the moments.

        Returns
        -------
        Tensor ``(n_segments, exponent, moment)``

        Raises
        ------
        ValueError
            If the dtype cannot represent the lengths.
        """
        sweeps = [
            self._sweep(edges, orientations, semiaxes, exponent, unit, degree)
            for exponent, unit in zip(self.exponents, self.units, strict=True)
        ]
        return sweeps[0][:, None] if len(sweeps) == 1 else torch.stack(sweeps, dim=1)

    def own_segments(
        self, type_index: Tensor, n_densities: int, include_self: bool | str
    ) -> Tensor | None:
        """The density that each particle's own is part of ``(N,)``; None if it is left out.

        Parameters
        ----------
        type_index : Tensor ``(N,)``, int64
        n_densities : int
            Number of densities of a centre.
        include_self : bool or "separate"
            As for :class:`AniSOAPEmbedding`.
        """
        if not include_self:
            return None
        end = n_densities * type_index.shape[0]
        first = torch.arange(0, end, n_densities, device=type_index.device)
        return first.add_(n_densities - 1 if include_self == "separate" else type_index)

    def _sweep(
        self,
        edges: DensityEdges,
        orientations: Tensor,
        semiaxes: Tensor,
        exponent: float,
        unit: float,
        degree: int,
    ) -> Tensor:
        vectors = edges.vectors
        refuse_lengths(unit, exponent * self.cutoff**2, vectors.dtype)
        exponent = exponent * unit**2
        if unit != 1:
            vectors, semiaxes = vectors / unit, semiaxes / unit
        return gaussian_moments(
            vectors,
            edges.neighbors,
            edges.segments,
            edges.n_segments,
            *damped_covariances(orientations, semiaxes, exponent),
            edges.weights,
            edges.own_segments,
            exponent=exponent,
            degree=degree,
        )
