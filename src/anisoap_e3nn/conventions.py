r"""Conversions of quaternions, Euler angles and spherical harmonics between conventions.

The polar axis of e3nn's harmonics is y; elsewhere it is z. With

.. math::
    P = \begin{pmatrix} 0 & 0 & 1 \\ 1 & 0 & 0 \\ 0 & 1 & 0 \end{pmatrix}, \qquad P (x, y, z) = (z, x, y)

e3nn's harmonics are the common ones of the permuted vector, :math:`Y^{e3nn}(v) = Y^{wiki}(P v)`. The
permutation also turns axes of rotation: :math:`P R_y P^\top = R_z` and :math:`P R_x P^\top = R_y`. In e3nn
three Euler angles mean :math:`R = R_y(\alpha) R_x(\beta) R_y(\gamma)`. The same three angles, read as ZYZ,
are those of :math:`P R P^\top`. Hence :math:`D^{e3nn}(R) = D^{wiki}(P R P^\top)`.
"""

import math
from fractions import Fraction
from functools import cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

ArrayOrTensor = TypeVar("ArrayOrTensor", npt.NDArray[np.floating], Tensor)
Angles = tuple[Tensor, Tensor, Tensor]


def wxyz_to_xyzw(quaternions: ArrayOrTensor) -> ArrayOrTensor:
    """Reorder quaternions from (w, x, y, z) to (x, y, z, w).

    This package, LAMMPS and HOOMD use (w, x, y, z). OVITO and SciPy use (x, y, z, w).

    Parameters
    ----------
    quaternions : Tensor or array ``(..., 4)``
        As (w, x, y, z).

    Returns
    -------
    Tensor or array ``(..., 4)``
        As (x, y, z, w).

    Examples
    --------
    >>> wxyz_to_xyzw(torch.tensor([1, 0, 0, 0]))
    tensor([0, 0, 0, 1])
    """
    _check_quaternions(quaternions)
    return quaternions[..., [1, 2, 3, 0]]


def xyzw_to_wxyz(quaternions: ArrayOrTensor) -> ArrayOrTensor:
    """Reorder quaternions from (x, y, z, w) to (w, x, y, z): the inverse of :func:`wxyz_to_xyzw`.

    >>> xyzw_to_wxyz(torch.tensor([0, 0, 0, 1]))
    tensor([1, 0, 0, 0])
    """
    _check_quaternions(quaternions)
    return quaternions[..., [3, 0, 1, 2]]


def zyz_to_matrix(alpha: Tensor, beta: Tensor, gamma: Tensor) -> Tensor:
    r"""Rotation matrices :math:`R_z(\alpha) R_y(\beta) R_z(\gamma)`.

    Parameters
    ----------
    alpha, beta, gamma : Tensor ``(...)``
        Euler angles in radians; their shapes are broadcast.

    Returns
    -------
    Tensor ``(..., 3, 3)``
    """
    from e3nn import o3

    alpha, beta, gamma = torch.broadcast_tensors(alpha, beta, gamma)
    matrix: Tensor = o3.matrix_z(alpha) @ o3.matrix_y(beta) @ o3.matrix_z(gamma)
    return matrix


def matrix_to_zyz(rotations: Tensor) -> Angles:
    r"""Euler angles with :math:`R = R_z(\alpha) R_y(\beta) R_z(\gamma)`.

    The angles are accurate at the poles :math:`\beta = 0, \pi` and near them. There SciPy's angles reproduce
    the rotation to 2e-7 only, and those of e3nn's ``matrix_to_angles`` to 1e-8. At the poles only
    :math:`\alpha \pm \gamma` is determined, and one of the pairs with this sum or difference is returned.

    Parameters
    ----------
    rotations : Tensor ``(..., 3, 3)``

    Returns
    -------
    alpha, beta, gamma : Tensor ``(...)``
        In radians, :math:`-\pi \le \alpha, \gamma \le \pi` and :math:`0 \le \beta \le \pi`.

    Raises
    ------
    ValueError
        If the tensor has another shape.
    """
    if rotations.shape[-2:] != (3, 3):
        raise ValueError(f"rotations have shape {tuple(rotations.shape)}, expected (..., 3, 3)")
    x, y = rotations[..., 0, :], rotations[..., 1, :]  # the first two rows -> [..., 3]
    alpha = torch.atan2(y[..., 2], x[..., 2])
    beta = torch.atan2(torch.hypot(x[..., 2], y[..., 2]), rotations[..., 2, 2])
    # the second row of R_z(-α) R = R_y(β) R_z(γ) is (sin γ, cos γ, 0) for any β
    row = alpha.cos()[..., None] * y - alpha.sin()[..., None] * x  # -> [..., 3]
    return alpha, beta, torch.atan2(row[..., 0], row[..., 1])


def zyz_to_yxy(alpha: Tensor, beta: Tensor, gamma: Tensor) -> Angles:
    """Convert ZYZ Euler angles to e3nn's, of the same rotation.

    Parameters
    ----------
    alpha, beta, gamma : Tensor ``(...)``
        Angles in radians with R = R_z(alpha) R_y(beta) R_z(gamma).

    Returns
    -------
    alpha, beta, gamma : Tensor ``(...)``
        Angles in radians with R = R_y(alpha) R_x(beta) R_y(gamma), as e3nn's ``wigner_D`` and
        ``angles_to_matrix`` take them.
    """
    rotation = zyz_to_matrix(alpha, beta, gamma)
    return matrix_to_zyz(rotation.roll((1, 1), (-2, -1)))  # P R Pᵀ


def yxy_to_zyz(alpha: Tensor, beta: Tensor, gamma: Tensor) -> Angles:
    """Convert e3nn's Euler angles to ZYZ, of the same rotation: the inverse of :func:`zyz_to_yxy`."""
    permuted = zyz_to_matrix(alpha, beta, gamma)  # these angles read as ZYZ: P R Pᵀ
    return matrix_to_zyz(permuted.roll((-1, -1), (-2, -1)))


def wiki_to_e3nn(l: int, dtype: torch.dtype = torch.float64) -> Tensor:
    r"""The matrix :math:`Q_l` from common real spherical harmonics to e3nn's.

    .. math::
        Y^{e3nn}_l(x, y, z) = Q_l \, Y^{wiki}_l(x, y, z) = Y^{wiki}_l(z, x, y)

    :math:`Y^{wiki}` are the orthonormal harmonics of Wikipedia, sphericart, metatensor and AniSOAP, with
    m = -l..l, polar axis z and no Condon-Shortley phase. :math:`Y^{e3nn}` have ``normalization="integral"``.
    Coefficients transform alike, :math:`c^{e3nn} = Q_l c^{wiki}`. For the matrices of rotations,
    :math:`Q_l D^{wiki}_l = D^{e3nn}_l Q_l`.

    Parameters
    ----------
    l : int
        ≥ 0, of any size.
    dtype : torch.dtype
        Of the matrix. It is computed exactly, rounded to float64 and then to this type.

    Returns
    -------
    Tensor ``(2l+1, 2l+1)``
        Orthogonal; :math:`Q_l = D_l(P)` in either convention.

    Raises
    ------
    ValueError
        If l is negative.

    Examples
    --------
    >>> wiki_to_e3nn(1) @ torch.tensor([2.0, 3.0, 1.0]).double()  # from (y, z, x) to (x, y, z)
    tensor([1., 2., 3.], dtype=torch.float64)
    """
    if l < 0:
        raise ValueError(f"l is {l}, expected an integer ≥ 0")
    return torch.tensor(_wiki_to_e3nn(l), dtype=dtype)


@cache
def _wiki_to_e3nn(l: int) -> npt.NDArray[np.float64]:
    r"""Wigner's matrix of :math:`P = R_y(\pi/2) R_z(\pi/2)` on real harmonics.

    For a, b ≥ 0 only one of the entries in the rows :math:`\pm a` and columns :math:`\pm b` is not zero. The
    quarter turn about z contributes :math:`\cos(b\pi/2)` or :math:`\sin(b\pi/2)`, the one about y Wigner's

    .. math::
        d^l_{ab}(\pi/2) = 2^{-l} \sqrt{\frac{(l+a)!\,(l-a)!}{(l+b)!\,(l-b)!}} \sum_j (-1)^j
                          \binom{l-b}{j} \binom{l+b}{l-a-j}
    """
    Q = np.zeros((2 * l + 1, 2 * l + 1))
    factorial = math.factorial
    for a in range(l + 1):
        for b in range(l + 1):
            integer = sum(
                (-1) ** j * math.comb(l - b, j) * math.comb(l + b, l - a - j)
                for j in range(min(l - a, l - b) + 1)
            )
            real = (1 + (a > 0)) * (1 + (b > 0))  # cos and sin instead of two exponentials
            square = Fraction(
                real * integer**2 * factorial(l + a) * factorial(l - a),
                4**l * factorial(l + b) * factorial(l - b),
            )
            row = a if (l - a + b) % 2 == 0 else -a
            column = b if (l - a) % 2 == 0 else -b
            negative = (integer < 0) ^ (b % 4 >= 2) ^ (row < 0 and column < 0)
            if integer != 0:
                Q[l + row, l + column] = -math.sqrt(square) if negative else math.sqrt(square)
    Q.setflags(write=False)
    return Q


def _check_quaternions(quaternions: npt.NDArray[np.floating] | Tensor) -> None:
    if quaternions.shape[-1:] != (4,):
        raise ValueError(
            f"quaternions have shape {tuple(quaternions.shape)}, expected four numbers last"
        )
