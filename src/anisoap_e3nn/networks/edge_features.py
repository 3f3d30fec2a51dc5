"""What networks know of an edge: its direction, its length, and how the two ellipsoids lie to it."""

from typing import NamedTuple

import torch
from e3nn import o3
from e3nn.math import soft_one_hot_linspace
from torch import Tensor

from ..geometry import covariances
from ..geometry.pair_coordinates import DEGREES, pair_coordinates
from ..nn import PolynomialCutoff
from .standardization import Standardization


class EdgeFeatures(NamedTuple):
    """Equivariant and invariant features of edges; see :class:`EdgeEncoding`."""

    harmonics: Tensor  # [edge, irreps_harmonics.dim]
    invariants: Tensor  # [edge, n_invariants]
    envelope: Tensor  # [edge, 1]


class EdgeEncoding(torch.nn.Module):
    r"""Edges as spherical harmonics of their direction and smooth functions of what is invariant.

    Of the length r, they are the spherical Bessel functions :math:`\sin(n \pi r / r_{cut}) / r`. With
    `orientations`, each edge also knows how both of its particles lie to it: by the gap between surfaces
    :math:`g = r - \sigma(\hat r, G_i + G_j)` of Berne and Pechukas' contact distance, through the walls
    :math:`\log(1 + e^{-g / \ell_k})` with lengths :math:`\ell_k` from a 32nd to half of the cutoff; and by
    the 14 invariants of :func:`~anisoap_e3nn.geometry.pair_coordinates.pair_coordinates`. All of them are
    scaled to unit size, as measured on data. They do not end at the cutoff: whatever is made of them is to
    be multiplied by the envelope, which does, with two continuous derivatives.

    Parameters
    ----------
    cutoff : float
        A length.
    max_angular : int
        The largest l of the harmonics.
    n_radial : int
        Number of functions of the length; and as many of the gap.
    orientations : bool
        Whether edges know the shapes and orientations of their particles.
    """

    decay_lengths: Tensor

    def __init__(self, cutoff: float, max_angular: int, n_radial: int, orientations: bool) -> None:
        super().__init__()
        self.cutoff, self.n_radial, self.orientations = cutoff, n_radial, orientations
        self.irreps_harmonics = o3.Irreps.spherical_harmonics(max_angular)
        self.harmonics = o3.SphericalHarmonics(
            self.irreps_harmonics, normalize=True, normalization="component"
        )
        self.envelope = PolynomialCutoff(cutoff)
        self.n_invariants = 2 * n_radial + len(DEGREES) if orientations else n_radial
        self.standardization = Standardization(f"{self.n_invariants}x0e", shift=False)
        lengths = cutoff / torch.logspace(1, 5, n_radial, base=2.0)
        self.register_buffer("decay_lengths", lengths, persistent=False)

    def forward(
        self, edge_vectors: Tensor, edge_index: Tensor, orientations: Tensor, semiaxes: Tensor
    ) -> EdgeFeatures:
        """Features of the edges.

        Parameters
        ----------
        edge_vectors : Tensor ``(edge, 3)``
            r_neighbour - r_centre, a length, not zero.
        edge_index : Tensor ``(2, edge)``, int64
            Neighbours and centres.
        orientations : Tensor ``(N, 4)`` or ``(N, 3, 3)``
        semiaxes : Tensor ``(N, 3)``

        Returns
        -------
        EdgeFeatures
        """
        invariants = self.invariants(edge_vectors, edge_index, orientations, semiaxes)
        return EdgeFeatures(
            self.harmonics(edge_vectors),  # -> [edge, irreps_harmonics.dim]
            self.standardization(invariants),  # -> [edge, n_invariants]
            self.envelope(edge_vectors.norm(dim=1))[:, None],  # -> [edge, 1]
        )

    def invariants(
        self, edge_vectors: Tensor, edge_index: Tensor, orientations: Tensor, semiaxes: Tensor
    ) -> Tensor:
        """Before they are scaled ``(edge, n_invariants)``."""
        lengths = edge_vectors.norm(dim=1)  # -> [edge]
        of_lengths = soft_one_hot_linspace(
            lengths, 0.0, self.cutoff, self.n_radial, basis="bessel", cutoff=True
        )  # -> [edge, radial]
        if not self.orientations:
            return of_lengths
        shapes = covariances(orientations, semiaxes)  # -> [particle, 3, 3]
        # disks in one plane and needles in line would have no contact distance
        thickness = torch.eye(3, dtype=shapes.dtype, device=shapes.device) * self.cutoff * 1e-3
        neighbors, centers = (
            (shapes + thickness.square()).permute(1, 2, 0)[..., edge_index].unbind(2)
        )
        _, contacts, invariants = pair_coordinates(edge_vectors.T, centers, neighbors)
        gaps = lengths - contacts  # -> [edge]
        of_gaps = torch.nn.functional.softplus(-gaps[:, None] / self.decay_lengths)
        return torch.cat([of_lengths, of_gaps, invariants.T], dim=1)
