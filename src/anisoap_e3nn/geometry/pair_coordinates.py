"""Invariant coordinates of a pair of ellipsoids, with analytic derivatives.

Components come first and pairs last, so that every operation runs along pairs.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ..tracing import assert_on_gpu, is_readable
from .contact import contact_of_pairs
from .ellipsoids import covariances
from .vector_algebra import apply, components_first, cross, dot, square, trace_of_product

# the degree of each invariant in the shapes, and which it becomes when the particles are exchanged
DEGREES = (1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4)
EXCHANGED = (1, 0, 3, 2, 4, 5, 7, 6, 9, 8, 11, 10, 12, 13)
# how many of the invariants, in their order, are of one form: one for each particle, or one for both
_FORMS = (2, 2, 1, 1, 2, 2, 2, 1, 1)


class PairCoordinates(NamedTuple):
    """Distance, contact distance and invariants of pairs; or derivatives with respect to them."""

    distances: Tensor  # [pair]
    contacts: Tensor  # [pair]
    invariants: Tensor  # [14, pair]


class PairGradient(NamedTuple):
    """Derivatives with respect to the vector, and to rotations of either particle about the axes of space."""

    vectors: Tensor  # [3, pair]
    first_rotations: Tensor  # [3, pair]
    second_rotations: Tensor  # [3, pair]


def shape_matrices(orientations: Tensor, semiaxes: Tensor, thickness: float) -> Tensor:
    r"""Shape matrices :math:`G = R \, \mathrm{diag}(a^2 + \delta^2) R^\top`, components first ``(3, 3, N)``.

    Parameters
    ----------
    orientations : Tensor ``(N, 4)`` or ``(N, 3, 3)``
    semiaxes : Tensor ``(N, 3)``
        A length, ≥ 0.
    thickness : float
        :math:`\delta`, a length.

    Raises
    ------
    ValueError
        If orientations or semi-axes are NaN or infinite, or a semi-axis is negative; except while a tracer
        is at work. On a GPU only semi-axes are checked, and the error comes later, when a result is first
        looked at.
    """
    shapes = covariances(orientations, semiaxes)  # -> [particle, 3, 3]
    assert_on_gpu(semiaxes, lambda a: a >= 0, "semiaxes are negative or NaN, expected lengths >= 0")
    if is_readable(semiaxes) and not (
        (semiaxes.detach() >= 0).all() and shapes.detach().isfinite().all()
    ):
        raise ValueError(
            "orientations and semiaxes should be finite, quaternions not zero and semiaxes ≥ 0; check "
            "the file or the computation that they came from"
        )
    identity = torch.eye(3, dtype=shapes.dtype, device=shapes.device)
    return components_first(shapes + thickness**2 * identity)


def pair_coordinates(vectors: Tensor, first: Tensor, second: Tensor) -> PairCoordinates:
    r"""Invariants of two shapes and the vector between them.

    With the direction :math:`n = r / |r|` and the anisotropies :math:`Q = 3 G / \mathrm{tr}\, G - 1`, which
    are zero for spheres, they are

    .. math::
        n Q_1 n, \; n Q_2 n, \; n Q_1^2 n, \; n Q_2^2 n, \; n Q_1 Q_2 n, \; \mathrm{tr}\, Q_1 Q_2, \;
        n Q_1^2 Q_2 n, \; n Q_1 Q_2^2 n, \; n Q_1 Q_2 Q_1 n, \; n Q_2 Q_1 Q_2 n, \;
        \mathrm{tr}\, Q_1^2 Q_2, \; \mathrm{tr}\, Q_1 Q_2^2, \; n Q_1^2 Q_2^2 n, \; \mathrm{tr}\, Q_1^2 Q_2^2

    The contact distance is that of :func:`~anisoap_e3nn.geometry.contact.contact_of_pairs`.

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
    r"""Coordinates of pairs as in :func:`pair_coordinates`, and their derivatives.

    Both particles of a pair are treated alike. In the names of vectors, Q stands for the anisotropy of a
    particle and S for that of its partner: ``QSn`` holds :math:`Q_1 Q_2 n` and :math:`Q_2 Q_1 n`. ``d_x`` is
    the derivative with respect to x.

    Parameters
    ----------
    vectors : Tensor ``(3, pair)``
    shapes : Tensor ``(3, 3, 2, pair)``
        Of the first particle and of the second.

    Notes
    -----
    Torques are cross products. A rotation of the particle by :math:`\theta` turns Q to :math:`Q +
    [\theta]_\times Q - Q [\theta]_\times`, which changes :math:`a Q b` by :math:`\theta \cdot (Q b \times a +
    Q a \times b)`.
    """

    def __init__(self, vectors: Tensor, shapes: Tensor) -> None:
        self.shapes = shapes
        self.distances = vectors.square().sum(0).sqrt()  # -> [pair]
        self.directions = vectors / self.distances  # -> [3, pair]
        self.contact = contact_of_pairs(self.directions, shapes.sum(2))
        self.Q = _anisotropies(shapes)  # -> [3, 3, 2, pair]
        self.QQ = square(self.Q)  # -> [3, 3, 2, pair]
        self.Qn = apply(self.Q, self.directions[:, None])  # -> [3, 2, pair]
        self.QQn = apply(self.Q, self.Qn)  # -> [3, 2, pair]
        self.Sn = _of_partners(self.Qn)  # -> [3, 2, pair]
        self.QSn = apply(self.Q, self.Sn)  # -> [3, 2, pair]

    @property
    def coordinates(self) -> PairCoordinates:
        n, Qn, QQn, Sn = self.directions[:, None], self.Qn, self.QQn, self.Sn
        (Q, S), (QQ, SS) = self.Q.unbind(2), self.QQ.unbind(2)
        nSQSn = dot(self.QSn, Sn)  # -> [2, pair]
        invariants = [
            dot(n, Qn),
            dot(Qn, Qn),
            torch.stack([dot(Qn[:, 0], Sn[:, 0]), trace_of_product(Q, S)]),
            dot(QQn, Sn),
            nSQSn.flip(0),
            torch.stack([trace_of_product(QQ, S), trace_of_product(Q, SS)]),
            torch.stack([dot(QQn[:, 0], QQn[:, 1]), trace_of_product(QQ, SS)]),
        ]
        return PairCoordinates(self.distances, self.contact.distances, torch.cat(invariants))

    def pull_back(self, gradient: PairCoordinates) -> PairGradient:
        """Derivatives with respect to vectors and rotations, from those with respect to the coordinates."""
        d_nQn, d_nQQn, d_nQSn, d_trQS, d_nQQSn, d_nQSQn, d_trQQS, d_nQQSSn, d_trQQSS = (
            gradient.invariants.split(_FORMS)
        )  # -> [2, pair] or [1, pair]
        n, normals = self.directions[:, None], self.contact.normals[:, None]
        Qn, QQn, Sn, QSn = self.Qn, self.QQn, self.Sn, self.QSn
        SSn, SQn = _of_partners(QQn), _of_partners(QSn)
        # of the quadratic form n·G⁻¹n = n·normals = 2 / σ²
        d_form = -gradient.contacts * self.contact.distances**3 / 4  # -> [pair]

        d_QQn = d_nQQSn * Sn + d_nQQSSn * SSn
        Q_d_QQn = apply(self.Q, d_QQn)
        d_Qn = d_nQn * n + 2 * (d_nQQn * Qn + d_nQSQn * SQn) + d_nQSn * Sn
        d_Qn = d_Qn + _of_partners(d_nQQSn * QQn) + Q_d_QQn
        Q_d_Qn = apply(self.Q, d_Qn)
        d_n = (d_nQn * Qn + Q_d_Qn).sum(1) + 2 * d_form * normals[:, 0]
        across = d_n - self.directions * dot(self.directions, d_n)  # -> [3, pair]
        d_vectors = self.directions * gradient.distances + across / self.distances

        d_turns = cross(Qn, d_Qn) + cross(Q_d_Qn, n) + cross(QQn, d_QQn) + cross(Q_d_QQn, Qn)
        d_turns = d_turns + 2 * d_nQSQn.flip(0) * cross(QSn, Sn)
        d_turns = d_turns - 2 * d_form * cross(
            apply(self.shapes, normals), normals
        )  # -> [3, 2, pair]
        # traces change only by turns of one particle against the other
        (Q, S), (QQ, SS) = self.Q.unbind(2), self.QQ.unbind(2)
        d_relative = cross(Q, d_trQS * S + d_trQQS[1] * SS)
        d_relative = d_relative + cross(QQ, d_trQQS[0] * S + d_trQQSS * SS)
        d_relative = 2 * d_relative.sum(1)  # -> [3, pair]
        return PairGradient(d_vectors, d_turns[:, 0] + d_relative, d_turns[:, 1] - d_relative)


def _anisotropies(shapes: Tensor) -> Tensor:
    identity = torch.eye(3, dtype=shapes.dtype, device=shapes.device)[..., None, None]
    return shapes * (3 / (shapes[0, 0] + shapes[1, 1] + shapes[2, 2])) - identity


def _of_partners(vectors: Tensor) -> Tensor:
    """Exchange the two particles of each pair ``(3, 2, pair)``."""
    return vectors.flip(1)
