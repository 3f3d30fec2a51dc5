"""Orientations of rigid particles, as quaternions or rotation matrices.

Quaternions are ``(w, x, y, z)``. Like rotation matrices, they turn body-frame vectors into space-frame
vectors. All functions are differentiable, and independent of e3nn.
"""

import numpy as np
import torch
from torch import Tensor

from ..constant import Constant
from ..precision import without_autocast
from ..tensor_arguments import check_numbers, check_shape

# Nine times |q|² R as quadratic forms in q = (w, x, y, z): R_xx |q|² = w² + x² - y² - z² and so on.
_QUADRATIC_FORMS = Constant(
    np.array(
        [  # xx xy xz  yx yy yz  zx zy zz
            [+1, 0, 0, 0, +1, 0, 0, 0, +1],  # ww
            [0, 0, 0, 0, 0, -2, 0, +2, 0],  # wx
            [0, 0, +2, 0, 0, 0, -2, 0, 0],  # wy
            [0, -2, 0, +2, 0, 0, 0, 0, 0],  # wz
            [0, 0, 0, 0, 0, 0, 0, 0, 0],  # xw, counted in wx
            [+1, 0, 0, 0, -1, 0, 0, 0, -1],  # xx
            [0, +2, 0, +2, 0, 0, 0, 0, 0],  # xy
            [0, 0, +2, 0, 0, 0, +2, 0, 0],  # xz
            [0, 0, 0, 0, 0, 0, 0, 0, 0],  # yw
            [0, 0, 0, 0, 0, 0, 0, 0, 0],  # yx
            [-1, 0, 0, 0, +1, 0, 0, 0, -1],  # yy
            [0, 0, 0, 0, 0, +2, 0, +2, 0],  # yz
            [0, 0, 0, 0, 0, 0, 0, 0, 0],  # zw
            [0, 0, 0, 0, 0, 0, 0, 0, 0],  # zx
            [0, 0, 0, 0, 0, 0, 0, 0, 0],  # zy
            [-1, 0, 0, 0, -1, 0, 0, 0, +1],  # zz
        ],
        dtype=np.float64,
    )
)


@without_autocast
def quaternions_to_matrices(quaternions: Tensor) -> Tensor:
    r"""Rotation matrices of quaternions of any non-zero norm.

    .. math:: R = I + \frac{2}{|q|^2} \left( w [v]_\times + [v]_\times^2 \right), \qquad q = (w, v)

    Parameters
    ----------
    quaternions : Tensor ``(..., 4)``
        ``(w, x, y, z)``, body → space.

    Returns
    -------
    Tensor ``(..., 3, 3)``
        Proper rotations. They do not depend on the norm of the quaternions, and gradients are orthogonal
        to the quaternions.

    Examples
    --------
    >>> quaternions_to_matrices(torch.tensor([2.0, 0.0, 0.0, 2.0]))  # a quarter turn about z
    tensor([[ 0., -1.,  0.],
            [ 1.,  0.,  0.],
            [ 0.,  0.,  1.]])
    """
    check_numbers(quaternions=quaternions)
    if quaternions.shape[-1:] != (4,):
        raise ValueError(
            f"quaternions have shape (..., 4) as (w, x, y, z), found {tuple(quaternions.shape)}"
        )
    # R is homogeneous of degree 0, so a constant scale changes neither it nor its gradient; it keeps
    # |q|² away from overflow.
    scaled = quaternions / quaternions.detach().abs().amax(-1, keepdim=True)
    products = (scaled[..., :, None] * scaled[..., None, :]).flatten(-2)  # -> [..., 16]
    norm = scaled.square().sum(-1, keepdim=True)  # -> [..., 1]
    return (products @ _QUADRATIC_FORMS.like(products) / norm).unflatten(
        -1, (3, 3)
    )  # -> [..., 3, 3]


def matrices_to_quaternions(matrices: Tensor) -> Tensor:
    r"""Unit quaternions ``(w, x, y, z)`` with :math:`w \ge 0` of rotation matrices.

    There are four equivalent formulas, each with one of the components as a divisor. The one with the
    largest divisor is taken, so that the result is accurate for all rotations.

    Parameters
    ----------
    matrices : Tensor ``(..., 3, 3)``

    Returns
    -------
    Tensor ``(..., 4)``

    Examples
    --------
    >>> matrices_to_quaternions(torch.diag(torch.tensor([1.0, -1.0, -1.0])))  # half a turn about x
    tensor([0., 1., 0., 0.])
    """
    check_numbers(matrices=matrices)
    if matrices.shape[-2:] != (3, 3):
        raise ValueError(f"rotation matrices have shape (..., 3, 3), found {tuple(matrices.shape)}")
    xx, xy, xz, yx, yy, yz, zx, zy, zz = matrices.flatten(-2).unbind(-1)
    # four times the outer product q qᵀ: its column with the largest diagonal entry is the quaternion
    outer = torch.stack(
        [
            1 + xx + yy + zz, zy - yz, xz - zx, yx - xy,
            zy - yz, 1 + xx - yy - zz, yx + xy, xz + zx,
            xz - zx, yx + xy, 1 - xx + yy - zz, zy + yz,
            yx - xy, xz + zx, zy + yz, 1 - xx - yy + zz,
        ],
        dim=-1,
    ).unflatten(-1, (4, 4))  # fmt: skip  # -> [..., 4, 4]
    largest = outer.diagonal(dim1=-2, dim2=-1).argmax(-1)  # -> [...]
    column = outer.take_along_dim(largest[..., None, None], dim=-2).squeeze(-2)  # -> [..., 4]
    column = torch.where(column[..., :1] < 0, -column, column)
    return column / column.norm(dim=-1, keepdim=True)


def rotation_matrices(orientations: Tensor) -> Tensor:
    """Rotation matrices of orientations, which are quaternions or matrices already.

    Parameters
    ----------
    orientations : Tensor ``(N, 4)`` or ``(N, 3, 3)``
        Quaternions ``(w, x, y, z)`` of any non-zero norm, or rotation matrices; body → space.

    Returns
    -------
    Tensor ``(N, 3, 3)``

    Raises
    ------
    ValueError
        If the orientations have another shape.
    """
    check_numbers(orientations=orientations)
    if orientations.dim() == 2 and orientations.shape[1] == 4:
        return quaternions_to_matrices(orientations)
    if orientations.dim() == 3 and orientations.shape[1:] == (3, 3):
        return orientations
    raise ValueError(
        "orientations are quaternions (N, 4) as (w, x, y, z) or rotation matrices (N, 3, 3), "
        f"found a tensor of shape {tuple(orientations.shape)}"
    )


@without_autocast
def to_body_frame(vectors: Tensor, orientations: Tensor) -> Tensor:
    r"""Components :math:`R_i^\top v_i` along the axes of each particle.

    Parameters
    ----------
    vectors : Tensor ``(N, 3)``
        Components along the axes of space.
    orientations : Tensor ``(N, 4)`` or ``(N, 3, 3)``

    Returns
    -------
    Tensor ``(N, 3)``
    """
    check_numbers(vectors=vectors, orientations=orientations)
    rotations = rotation_matrices(orientations)  # -> [N, 3, 3]
    check_shape("vectors", vectors, (rotations.shape[0], 3))
    return (vectors[:, None] @ rotations).squeeze(1)


def torques_of_gradient(orientations: Tensor, gradient: Tensor) -> Tensor:
    r"""Torques from the gradient of an energy with respect to orientations.

    The torque is :math:`\tau_i = -\partial E / \partial \theta_i`, where the angle turns
    :math:`R_i \to e^{[\theta_i]_\times} R_i`. Let g be the gradient with respect to the columns :math:`R_c`
    of matrices, or to quaternions :math:`q = (w, v)`. Then

    .. math::
        \tau = -\sum_c R_c \times g_c \qquad\text{or}\qquad
        \tau = -\tfrac12 \left( w \, g_v - g_w \, v + v \times g_v \right).

    This is exact for quaternions of any norm.

    Parameters
    ----------
    orientations, gradient : Tensor ``(N, 4)`` or ``(N, 3, 3)``
        Of the same shape.

    Returns
    -------
    Tensor ``(N, 3)``
        Along the axes of space, energy.
    """
    check_numbers(orientations=orientations, gradient=gradient)
    check_shape("orientations", orientations, (-1, 4) if orientations.dim() == 2 else (-1, 3, 3))
    check_shape("gradient", gradient, tuple(orientations.shape))
    if orientations.dim() == 3:
        return -torch.linalg.cross(orientations, gradient, dim=1).sum(2)  # -> [particle, 3]
    w, v = orientations[:, :1], orientations[:, 1:]
    g_w, g_v = gradient[:, :1], gradient[:, 1:]
    # θ turns q = (w, v) by ½ (0, θ) q = ½ (-θ·v, w θ + θ × v)
    return -0.5 * (w * g_v - g_w * v + torch.linalg.cross(v, g_v))  # -> [particle, 3]
