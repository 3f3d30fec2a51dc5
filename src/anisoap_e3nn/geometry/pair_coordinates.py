"""What a pair of ellipsoids looks like, whatever way it is turned, and its derivatives by hand.

Components come first and pairs last, so that every operation runs along pairs.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .ellipsoids import covariances

# the degree of each invariant in the shapes, and which it becomes when the particles are exchanged
DEGREES = (1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4)
EXCHANGED = (1, 0, 3, 2, 4, 5, 7, 6, 9, 8, 11, 10, 12, 13)


class PairCoordinates(NamedTuple):
    """Distance, contact distance and invariants of pairs; or derivatives with respect to them."""

    distances: Tensor  # [pair]
    contacts: Tensor  # [pair]
    invariants: Tensor  # [14, pair]


class PairGradient(NamedTuple):
    """Derivatives with respect to the vector, and to rotations of either particle in the space frame."""

    vectors: Tensor  # [3, pair]
    first_rotations: Tensor  # [3, pair]
    second_rotations: Tensor  # [3, pair]


def shape_matrices(orientations: Tensor, semiaxes: Tensor, thickness: float) -> Tensor:
    r""":math:`G = R \, \mathrm{diag}(a^2 + \delta^2) R^\top`, components first ``(3, 3, N)``.

    Raises
    ------
    ValueError
        For orientations or semi-axes that are NaN or infinite, and semi-axes that are negative.
    """
    shapes = covariances(orientations, semiaxes)  # -> [particle, 3, 3]
    if not (semiaxes.detach() >= 0).all() or not shapes.detach().isfinite().all():
        raise ValueError(
            "orientations and semiaxes should be finite, quaternions not zero and semiaxes ≥ 0; check "
            "the file or the computation that they came from"
        )
    identity = torch.eye(3, dtype=shapes.dtype, device=shapes.device)
    return (shapes + thickness**2 * identity).permute(1, 2, 0).contiguous()


def pair_coordinates(vectors: Tensor, first: Tensor, second: Tensor) -> PairCoordinates:
    r"""Invariants of two shapes and the vector between them.

    With the direction :math:`n = r / |r|` and the anisotropies :math:`Q = 3 G / \mathrm{tr}\, G - 1`, which
    are zero for spheres, they are

    .. math::
        n Q_1 n, \; n Q_2 n, \; n Q_1^2 n, \; n Q_2^2 n, \; n Q_1 Q_2 n, \; \mathrm{tr}\, Q_1 Q_2, \;
        n Q_1^2 Q_2 n, \; n Q_1 Q_2^2 n, \; n Q_1 Q_2 Q_1 n, \; n Q_2 Q_1 Q_2 n, \;
        \mathrm{tr}\, Q_1^2 Q_2, \; \mathrm{tr}\, Q_1 Q_2^2, \; n Q_1^2 Q_2^2 n, \; \mathrm{tr}\, Q_1^2 Q_2^2

    and the contact distance is that of Berne and Pechukas (J. Chem. Phys. 56, 4213, 1972), at which the
    surfaces touch, nearly: :math:`\sigma = (\tfrac12 n (G_1 + G_2)^{-1} n)^{-1/2}`.

    Parameters
    ----------
    vectors : Tensor ``(3, pair)``
        From the first particle to the second, not zero.
    first, second : Tensor ``(3, 3, pair)``
        :math:`G = R \, \mathrm{diag}(a^2) R^\top`, positive definite.

    Returns
    -------
    PairCoordinates
    """
    return PairGeometry(vectors, torch.stack([first, second], dim=2)).coordinates


class PairGeometry:
    r"""What :func:`pair_coordinates` is made of, kept for its derivatives; both particles side by side.

    Every torque is a cross product: a rotation of the particle turns Q to :math:`Q + [\theta]_\times Q -
    Q [\theta]_\times`, which adds :math:`\theta \cdot (Q b \times a + Q a \times b)` to :math:`a Q b`.

    Parameters
    ----------
    vectors : Tensor ``(3, pair)``
    shapes : Tensor ``(3, 3, 2, pair)``
        Of the first particle and of the second.
    """

    def __init__(self, vectors: Tensor, shapes: Tensor) -> None:
        self.shapes = shapes
        self.distances = vectors.square().sum(0).sqrt()  # -> [pair]
        self.n = vectors / self.distances
        sums = shapes.sum(2)
        adjugate = _adjugate(sums)
        determinants = (sums[0] * adjugate[0]).sum(0)  # -> [pair]
        self.y = _apply(adjugate, self.n) / determinants  # (G₁ + G₂)⁻¹ n -> [3, pair]
        self.contacts = (2 / _dot(self.n, self.y)).sqrt()  # -> [pair]
        self.Q = _anisotropy(shapes)  # -> [3, 3, 2, pair]
        self.P = _square(self.Q)  # -> [3, 3, 2, pair]
        self.u = _apply(self.Q, self.n[:, None])  # -> [3, 2, pair]
        self.v = _apply(self.Q, self.u)  # -> [3, 2, pair]
        self.other = self.u.flip(1)  # u₂, u₁
        self.crossed = _apply(self.Q, self.other)  # Q₁ u₂, Q₂ u₁ -> [3, 2, pair]

    @property
    def coordinates(self) -> PairCoordinates:
        u, v, Q, P = self.u, self.v, self.Q, self.P
        (Q1, Q2), (P1, P2) = Q.unbind(2), P.unbind(2)
        invariants = [
            _dot(self.n[:, None], u),
            _dot(u, u),
            torch.stack([_dot(u[:, 0], u[:, 1]), _trace(Q1, Q2)]),
            _dot(v, self.other),
            _dot(self.crossed, self.other).flip(0),
            torch.stack([_trace(P1, Q2), _trace(Q1, P2)]),
            torch.stack([_dot(v[:, 0], v[:, 1]), _trace(P1, P2)]),
        ]
        return PairCoordinates(self.distances, self.contacts, torch.cat(invariants))

    def pull_back(self, gradient: PairCoordinates) -> PairGradient:
        """From derivatives with respect to the coordinates to those with respect to what makes them."""
        n, u, v, other, y = self.n[:, None], self.u, self.v, self.other, self.y
        g = gradient.invariants
        of_v = g[6:8] * other + g[12] * v.flip(1)
        Qof_v = _apply(self.Q, of_v)
        of_u = g[:2] * n + 2 * (g[2:4] * u + g[8:10] * self.crossed.flip(1)) + g[4] * other
        of_u = of_u + (g[6:8] * v).flip(1) + Qof_v
        Qof_u = _apply(self.Q, of_u)
        slope = gradient.contacts * self.contacts**3 / 2
        of_n = (g[:2] * u + Qof_u).sum(1) - slope * y
        of_vectors = self.n * gradient.distances
        of_vectors = of_vectors + (of_n - self.n * _dot(self.n, of_n)) / self.distances

        turns = _cross(u, of_u) + _cross(Qof_u, n) + _cross(v, of_v) + _cross(Qof_v, u)
        turns = turns + 2 * g[8:10].flip(0) * _cross(self.crossed, other)
        turns = turns + slope * _cross(_apply(self.shapes, y[:, None]), y[:, None])
        (Q1, Q2), (P1, P2) = self.Q.unbind(2), self.P.unbind(2)
        of_traces = _cross(Q1, g[5] * Q2 + g[11] * P2) + _cross(P1, g[10] * Q2 + g[13] * P2)
        of_traces = 2 * of_traces.sum(1)  # -> [3, pair]
        return PairGradient(of_vectors, turns[:, 0] + of_traces, turns[:, 1] - of_traces)


def _anisotropy(shape: Tensor) -> Tensor:
    identity = torch.eye(3, dtype=shape.dtype, device=shape.device)[..., None, None]
    return shape * (3 / (shape[0, 0] + shape[1, 1] + shape[2, 2])) - identity


def _adjugate(matrix: Tensor) -> Tensor:
    """That of symmetric matrices."""
    a, b = matrix.roll((-1, -1), (0, 1)), matrix.roll((-2, -2), (0, 1))
    c = matrix.roll((-1, -2), (0, 1))
    return a * b - c * c.transpose(0, 1)


def _apply(matrix: Tensor, vector: Tensor) -> Tensor:
    """Of symmetric matrices."""
    a, b, c = matrix
    return a * vector[0] + b * vector[1] + c * vector[2]  # -> [3, pair]


def _square(matrix: Tensor) -> Tensor:
    a, b, c = matrix
    return a[:, None] * a + b[:, None] * b + c[:, None] * c  # -> [3, 3, pair]


def _cross(a: Tensor, b: Tensor) -> Tensor:
    """Of vectors, or columns of matrices."""
    return (a * b.roll(-1, 0) - a.roll(-1, 0) * b).roll(-1, 0)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(0)  # -> [pair]


def _trace(a: Tensor, b: Tensor) -> Tensor:
    """Of the product of symmetric matrices."""
    return (a * b).sum((0, 1))  # -> [pair]
