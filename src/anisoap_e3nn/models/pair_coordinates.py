"""What a pair of ellipsoids looks like, whatever way it is turned, and its derivatives by hand.

Components come first and pairs last, so that every operation runs along pairs.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ..geometry import covariances

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
    distances = vectors.square().sum(0).sqrt()  # -> [pair]
    n = vectors / distances
    sums = first + second
    adjugate = _adjugate(sums)
    determinants = (sums[0] * adjugate[0]).sum(0)  # -> [pair]
    contacts = (2 * determinants / _dot(n, _apply(adjugate, n))).sqrt()

    Q1, Q2 = _anisotropy(first), _anisotropy(second)
    u1, u2 = _apply(Q1, n), _apply(Q2, n)
    v1, v2 = _apply(Q1, u1), _apply(Q2, u2)
    P1, P2 = _square(Q1), _square(Q2)
    invariants = torch.stack(
        [
            _dot(n, u1), _dot(n, u2), _dot(u1, u1), _dot(u2, u2), _dot(u1, u2), _trace(Q1, Q2),
            _dot(v1, u2), _dot(u1, v2), _dot(u1, _apply(Q2, u1)), _dot(u2, _apply(Q1, u2)),
            _trace(P1, Q2), _trace(Q1, P2), _dot(v1, v2), _trace(P1, P2),
        ]
    )  # fmt: skip  # -> [14, pair]
    return PairCoordinates(distances, contacts, invariants)


def pull_back(
    gradient: PairCoordinates,
    vectors: Tensor,
    first: Tensor,
    second: Tensor,
    coordinates: PairCoordinates,
) -> PairGradient:
    """From derivatives with respect to the coordinates to those with respect to what makes them.

    Parameters
    ----------
    gradient : PairCoordinates
        Of a function of the coordinates.
    vectors, first, second : Tensor
        As for :func:`pair_coordinates`.
    coordinates : PairCoordinates
        Which it returned.

    Returns
    -------
    PairGradient
    """
    distances, contacts, _ = coordinates
    n = vectors / distances
    sums = first + second
    adjugate = _adjugate(sums)
    y = _apply(adjugate, n) / (sums[0] * adjugate[0]).sum(0)  # (G₁ + G₂)⁻¹ n -> [3, pair]
    slope = gradient.contacts * contacts**3 / 4
    of_sums = slope * _outer(y, y)  # -> [3, 3, pair]

    of_n, of_Q1, of_Q2 = _pull_back_invariants(
        gradient.invariants, n, _anisotropy(first), _anisotropy(second)
    )
    of_n = of_n - 2 * slope * y
    of_vectors = n * gradient.distances + (of_n - n * _dot(n, of_n)) / distances
    return PairGradient(
        of_vectors,
        _of_rotations(first, of_sums + of_Q1 * (3 / _tr(first))),
        _of_rotations(second, of_sums + of_Q2 * (3 / _tr(second))),
    )


def _pull_back_invariants(
    g: Tensor, n: Tensor, Q1: Tensor, Q2: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Derivatives with respect to n and both matrices, those not symmetric."""
    u1, u2 = _apply(Q1, n), _apply(Q2, n)
    v1, v2 = _apply(Q1, u1), _apply(Q2, u2)
    P1, P2 = _square(Q1), _square(Q2)

    of_v1 = g[6] * u2 + g[12] * v2
    of_v2 = g[7] * u1 + g[12] * v1
    of_u1 = g[0] * n + 2 * g[2] * u1 + g[4] * u2 + g[7] * v2 + 2 * g[8] * _apply(Q2, u1)
    of_u2 = g[1] * n + 2 * g[3] * u2 + g[4] * u1 + g[6] * v1 + 2 * g[9] * _apply(Q1, u2)
    of_u1 = of_u1 + _apply(Q1, of_v1)
    of_u2 = of_u2 + _apply(Q2, of_v2)
    of_n = g[0] * u1 + g[1] * u2 + _apply(Q1, of_u1) + _apply(Q2, of_u2)

    of_P1, of_P2 = g[10] * Q2 + g[13] * P2, g[11] * Q1 + g[13] * P1
    of_Q1 = g[5] * Q2 + g[11] * P2 + 2 * _matrix_product(of_P1, Q1)
    of_Q2 = g[5] * Q1 + g[10] * P1 + 2 * _matrix_product(of_P2, Q2)
    of_Q1 = of_Q1 + g[9] * _outer(u2, u2) + _outer(of_v1, u1) + _outer(of_u1, n)
    of_Q2 = of_Q2 + g[8] * _outer(u1, u1) + _outer(of_v2, u2) + _outer(of_u2, n)
    return of_n, of_Q1, of_Q2


def _of_rotations(shape: Tensor, gradient: Tensor) -> Tensor:
    """From dE/dG to dE/dθ for R → exp([θ]×) R, under which dG = [θ]× G - G [θ]×."""
    turned = _matrix_product(shape, gradient + gradient.transpose(0, 1))  # -> [3, 3, pair]
    return torch.stack([turned[i, j] - turned[j, i] for i, j in ((1, 2), (2, 0), (0, 1))])


def _anisotropy(shape: Tensor) -> Tensor:
    identity = torch.eye(3, dtype=shape.dtype, device=shape.device)[..., None]
    return shape * (3 / _tr(shape)) - identity


def _adjugate(matrix: Tensor) -> Tensor:
    """That of symmetric matrices, by cross products."""
    x, y, z = matrix
    return torch.stack([torch.linalg.cross(a, b, dim=0) for a, b in ((y, z), (z, x), (x, y))])


def _apply(matrix: Tensor, vector: Tensor) -> Tensor:
    """Of symmetric matrices."""
    a, b, c = matrix
    return a * vector[0] + b * vector[1] + c * vector[2]  # -> [3, pair]


def _matrix_product(a: Tensor, b: Tensor) -> Tensor:
    return a[:, 0, None] * b[0] + a[:, 1, None] * b[1] + a[:, 2, None] * b[2]  # -> [3, 3, pair]


def _square(matrix: Tensor) -> Tensor:
    return _matrix_product(matrix, matrix)


def _outer(a: Tensor, b: Tensor) -> Tensor:
    return a[:, None] * b  # -> [3, 3, pair]


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(0)  # -> [pair]


def _trace(a: Tensor, b: Tensor) -> Tensor:
    """Of the product of symmetric matrices."""
    return (a * b).sum((0, 1))  # -> [pair]


def _tr(matrix: Tensor) -> Tensor:
    return matrix[0, 0] + matrix[1, 1] + matrix[2, 2]  # -> [pair]
