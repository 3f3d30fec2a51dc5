"""Contact distances of ellipsoids."""

from typing import NamedTuple

from torch import Tensor

from .vector_algebra import dot, solve


class Contact(NamedTuple):
    """Pairs of ellipsoids in contact; see :func:`contact_of_pairs`."""

    distances: Tensor  # of the centres, [pair]
    normals: (
        Tensor  # G⁻¹ r̂, normal to the surface ½ r·G⁻¹ r = 1 of all centres in contact, [3, pair]
    )
    determinants: Tensor  # det G, [pair]


def contact_of_pairs(directions: Tensor, extents: Tensor) -> Contact:
    r"""Distance of the centres at which two ellipsoids touch, by Berne and Pechukas.

    .. math:: \sigma = \left( \tfrac12 \hat r^\top G^{-1} \hat r \right)^{-1/2}, \qquad G = G_1 + G_2

    It comes from the overlap of two Gaussians (J. Chem. Phys. 56, 4213, 1972). It is exact for equal spheres
    and an approximation for other ellipsoids.

    Parameters
    ----------
    directions : Tensor ``(3, pair)``
        Unit vectors along the line of the centres.
    extents : Tensor ``(3, 3, pair)``
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
    normals, determinants = solve(extents, directions)
    return Contact((0.5 * dot(directions, normals)).rsqrt(), normals, determinants)
