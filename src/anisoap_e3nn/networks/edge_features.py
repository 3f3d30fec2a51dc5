"""Features of edges: direction, length, and the shapes and orientations of both ellipsoids."""

from typing import NamedTuple

import torch
from e3nn import o3
from e3nn.math import soft_one_hot_linspace
from torch import Tensor

from ..arguments import integer
from ..geometry import covariances
from ..geometry.pair_coordinates import DEGREES
from ..layer import Layer
from ..nn import PolynomialCutoff
from ..ops import pair_coordinates
from .standardization import Standardization

_ENTRIES = [0, 1, 2, 4, 5, 8]  # xx, xy, xz, yy, yz and zz of a symmetric matrix


class EdgeFeatures(NamedTuple):
    """Equivariant and invariant features of edges, computed by :class:`EdgeEncoding`.

    Attributes
    ----------
    harmonics : Tensor ``(edge, irreps_harmonics.dim)``
        Spherical harmonics of the directions from centres to neighbours.
    invariants : Tensor ``(edge, n_invariants)``
        Functions of length, shapes and orientations, scaled to unit size. They do not vanish at the cutoff.
    envelope : Tensor ``(edge, 1)``
        1 at length 0, and 0 at the cutoff with its first two derivatives. Multiply by it what is computed of
        an edge.
    """

    harmonics: Tensor
    invariants: Tensor
    envelope: Tensor


class EdgeEncoding(Layer):
    r"""Encode edges: spherical harmonics of their directions, invariants, and an envelope.

    The invariants of an edge of length r are the spherical Bessel functions
    :math:`\sin(n \pi r / r_{cut}) / r`. With `orientations`, there are also

    - the functions :math:`\log(1 + e^{-g / \ell_k})` of the gap between the surfaces,
      :math:`g = r - \sigma(\hat r, G_i + G_j)` with Berne and Pechukas' contact distance, for lengths
      :math:`\ell_k` from a 32nd to half of the cutoff;
    - the 14 invariants of :func:`~anisoap_e3nn.geometry.pair_coordinates.pair_coordinates`.

    :class:`Standardization` scales them to unit size. They do not vanish at the cutoff, so multiply what is
    computed from them by the envelope (:class:`~anisoap_e3nn.nn.PolynomialCutoff`).

    Parameters
    ----------
    cutoff : float
        The largest length of an edge.
    max_angular : int
        The largest l of the harmonics.
    n_radial : int
        Number of functions of the length, and of the gap, at least 1.
    orientations : bool
        Whether the invariants depend on the shapes and orientations of the two particles.

    Attributes
    ----------
    irreps_harmonics : Irreps
        Irreps of the harmonics.
    n_invariants : int
        Number of invariants of an edge.

    Raises
    ------
    ValueError
        If there is no radial function or the cutoff is not positive.
    """

    decay_lengths: Tensor

    def __init__(self, cutoff: float, max_angular: int, n_radial: int, orientations: bool) -> None:
        super().__init__()
        n_radial = integer("n_radial", n_radial, at_least=1)
        self.cutoff, self.n_radial, self.orientations = cutoff, n_radial, orientations
        self.irreps_harmonics = o3.Irreps.spherical_harmonics(max_angular)
        self.harmonics = o3.SphericalHarmonics(
            self.irreps_harmonics, normalize=True, normalization="component"
        )
        self.envelope = PolynomialCutoff(cutoff)
        self.n_invariants = 2 * n_radial + len(DEGREES) if orientations else n_radial
        self.standardization = Standardization(f"{self.n_invariants}x0e", shift=False)
        lengths = cutoff / torch.logspace(1, 5, n_radial, base=2.0, dtype=torch.float64)
        self.register_constant("decay_lengths", lengths)

    def forward(
        self, edge_vectors: Tensor, edge_index: Tensor, orientations: Tensor, semiaxes: Tensor
    ) -> EdgeFeatures:
        """Compute the features of edges.

        Parameters
        ----------
        edge_vectors : Tensor ``(edge, 3)``
            r_neighbour - r_centre, a length. Zero vectors have no direction.
        edge_index : Tensor ``(2, edge)``, int64
            Neighbours (row 0) and centres (row 1).
        orientations : Tensor ``(N, 4)`` or ``(N, 3, 3)``
            Quaternions (w, x, y, z) or rotation matrices, body → space.
        semiaxes : Tensor ``(N, 3)``
            Semi-axes of the particles, a length; zero is legal.

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
        """Invariants ``(edge, n_invariants)`` before they are scaled; arguments as :meth:`forward`."""
        lengths = edge_vectors.norm(dim=1)  # -> [edge]
        of_lengths = soft_one_hot_linspace(
            lengths, 0.0, self.cutoff, self.n_radial, basis="bessel", cutoff=True
        )  # -> [edge, radial]
        if not self.orientations:
            return of_lengths
        shapes = covariances(orientations, semiaxes)  # -> [particle, 3, 3]
        # a little thicker: disks in one plane and needles in line would have no contact distance
        thickness = torch.eye(3, dtype=shapes.dtype, device=shapes.device) * self.cutoff * 1e-3
        entries = (shapes + thickness.square()).flatten(1)[:, _ENTRIES]  # -> [particle, 6]
        neighbors, centers = (entries.index_select(0, ends) for ends in edge_index)
        coordinates = pair_coordinates(edge_vectors, centers, neighbors)
        distances, contacts, invariants = coordinates.split((1, 1, len(DEGREES)), dim=1)
        of_gaps = torch.nn.functional.softplus(
            (contacts - distances) / self.decay_lengths
        )  # -> [edge, radial]
        return torch.cat([of_lengths, of_gaps, invariants], dim=1)
