"""Contact distances of ellipsoids."""

from typing import NamedTuple

from torch import Tensor

from .vector_algebra import dot, solve


class Contact(NamedTuple):
    r"""Pairs of ellipsoids in contact; see :func:`contact_of_pairs`.

    The vectors :math:`G^{-1} \hat r` are normal to the surface :math:`\tfrac12 r^\top G^{-1} r = 1` of all
    positions of contact.
    """

    distances: Tensor  # σ, [..., pair]
    forms: Tensor  # r̂ᵀ G⁻¹ r̂, [..., pair]
    normals: Tensor  # G⁻¹ r̂, [3, ..., pair]
    determinants: Tensor  # det G, [..., pair]


def contact_of_pairs(directions: Tensor, shapes: Tensor) -> Contact:
    r"""Distance of the centres at which two ellipsoids touch, by Berne and Pechukas.

    .. math:: \sigma = \left( \tfrac12 \hat r^\top G^{-1} \hat r \right)^{-1/2}, \qquad G = G_1 + G_2

    It comes from the overlap of two Gaussians (J. Chem. Phys. 56, 4213, 1972). It is exact for equal spheres
    and an approximation for other ellipsoids.

    Parameters
    ----------
    directions : Tensor ``(3, ..., pair)``
        Unit vectors along the line of the centres.
    shapes : Tensor ``(3, 3, ..., pair)``
        :math:`G`, with :math:`G_i = R_i \, \mathrm{diag}(a_i^2) R_i^\top`; positive definite.

    Returns
    -------
    Contact

    Examples
    --------
    Spheres of radius 0.7:

    >>> import torch
    >>> sphere = (0.7**2 * torch.eye(3))[..., None]
    >>> contact_of_pairs(torch.tensor([[0.0], [0.6], [0.8]]), sphere + sphere).distances
    tensor([1.4000])
    """
    normals, determinants = solve(shapes, directions)
    forms = dot(directions, normals)  # -> [..., pair]
    return Contact((0.5 * forms).rsqrt(), forms, normals, determinants)
