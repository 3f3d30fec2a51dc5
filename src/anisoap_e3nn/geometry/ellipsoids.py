"""Covariances of ellipsoids."""

import torch
from torch import Tensor

from ..precision import without_autocast
from ..tensor_arguments import check_numbers, check_shape
from .rotations import rotation_matrices


def covariances(orientations: Tensor, semiaxes: Tensor) -> Tensor:
    r"""Covariances :math:`\Sigma = R \, \mathrm{diag}(a^2) \, R^\top` of ellipsoids.

    Parameters
    ----------
    orientations : Tensor ``(N, 4)`` or ``(N, 3, 3)``
    semiaxes : Tensor ``(N, 3)``
        Semi-axes :math:`a` in the body frame, a length; zero is legal (disk, needle, point).

    Returns
    -------
    Tensor ``(N, 3, 3)``
        Symmetric, positive semi-definite; a length squared.
    """
    check_numbers(orientations=orientations, semiaxes=semiaxes)
    rotations = rotation_matrices(orientations)  # -> [N, 3, 3]
    check_shape("semiaxes", semiaxes, (rotations.shape[0], 3))
    return _rotate_diagonal(rotations, semiaxes.square())


def damped_covariances(
    orientations: Tensor, semiaxes: Tensor, exponent: float
) -> tuple[Tensor, Tensor]:
    r"""Covariances and weights of the Gaussians of ellipsoids, multiplied by :math:`e^{-\beta |x|^2 / 2}`.

    .. math::
        C = \Sigma (I + \beta \Sigma)^{-1}
          = R \, \mathrm{diag}\!\left(\frac{a^2}{1 + \beta a^2}\right) R^\top, \qquad
        w = \det(I + \beta \Sigma)^{-1/2} = \prod_k (1 + \beta a_k^2)^{-1/2}

    so that :math:`e^{-\beta|x|^2/2} N(x; r, \Sigma) = W \, N(x; r - \beta C r, C)` with
    :math:`W = w \exp(-\tfrac12 \beta \, r \cdot (r - \beta C r))`. C and w are properties of the particle,
    not of the pair. :math:`\Sigma` is not inverted, and may be singular.

    Parameters
    ----------
    orientations : Tensor ``(N, 4)`` or ``(N, 3, 3)``
    semiaxes : Tensor ``(N, 3)``
        A length.
    exponent : float
        :math:`\beta \ge 0`, an inverse length squared; 0 gives back :math:`\Sigma` and 1.

    Returns
    -------
    covariances : Tensor ``(N, 3, 3)``
    weights : Tensor ``(N,)``
    """
    check_numbers(orientations=orientations, semiaxes=semiaxes)
    rotations = rotation_matrices(orientations)  # -> [N, 3, 3]
    check_shape("semiaxes", semiaxes, (rotations.shape[0], 3))
    # hypot, so that semi-axes of any size neither overflow nor vanish before they are divided
    growth = torch.hypot(
        torch.ones_like(semiaxes), exponent**0.5 * semiaxes
    )  # √(1 + β a²) -> [N, 3]
    return _rotate_diagonal(rotations, (semiaxes / growth).square()), growth.reciprocal().prod(-1)


@without_autocast
def _rotate_diagonal(rotations: Tensor, diagonal: Tensor) -> Tensor:
    return (rotations * diagonal[:, None, :]) @ rotations.transpose(1, 2)  # -> [N, 3, 3]
