r"""Analytic derivatives of the Gay-Berne potential in plain torch, the definition of the native kernel.

With the quadratic forms :math:`\phi = \hat r^\top G^{-1} \hat r` and
:math:`\psi = \hat r^\top B^{-1} \hat r`, derivatives with respect to :math:`\hat r` are
:math:`2 G^{-1} \hat r`. A rotation :math:`\theta` of a particle changes :math:`\phi` by
:math:`-2 \theta \cdot (G_i s \times s)` with :math:`s = G^{-1} \hat r`, and :math:`\ln \det G` by twice the
sum of the cross products of the columns of :math:`G_i` and :math:`G^{-1}`.
"""

import math

import torch
from torch import Tensor

from ..geometry.contact import contact_of_pairs
from ..geometry.pair_coordinates import PairGradient
from ..geometry.switching import smooth_switch, smooth_switch_derivative
from ..geometry.vector_algebra import apply, components_first, cross, dot, inverse
from .formula import Bodies, PairConstants, lennard_jones, lennard_jones_derivative


def energies_and_gradient(
    vectors: Tensor, first: Bodies, second: Bodies, constants: PairConstants
) -> tuple[Tensor, PairGradient]:
    """Energies of pairs ``(pair,)`` and their derivatives.

    Parameters
    ----------
    vectors : Tensor ``(3, pair)``
        From the first particle to the second, a length.
    first, second : Bodies
    constants : PairConstants
    """
    epsilon, sigma, spheres, cutoff, width, gamma, upsilon, mu, shift = constants
    distances = vectors.square().sum(0).sqrt()  # -> [pair]
    directions = vectors / distances  # -> [3, pair]
    shapes = torch.stack([components_first(first.shapes), components_first(second.shapes)], 3)
    G = shapes[:, :, 0]  # -> [3, 3, 2, pair], of both particles
    contact = contact_of_pairs(directions[:, None], shapes.sum(3))
    (contacts, _), (_, psi) = contact.distances, contact.forms  # -> [pair]
    normals = contact.normals  # -> [3, 2, pair], of G and of B

    zeta = torch.where(spheres, distances / sigma, (distances - contacts) / sigma + gamma)
    eta = (2 * first.sizes * second.sizes / contact.determinants[0]) ** (0.5 * upsilon)
    strengths = epsilon * torch.where(spheres, 1, eta * (2 * psi) ** mu)  # -> [pair]
    energies = strengths * lennard_jones(zeta)  # -> [pair]
    if shift:
        energies = energies - torch.where(spheres, epsilon * lennard_jones(cutoff / sigma), 0)
    d_zeta = strengths * lennard_jones_derivative(zeta)
    d_distances = d_zeta / sigma
    if width:
        switch = smooth_switch(distances, cutoff, width)
        slope = energies * smooth_switch_derivative(distances, cutoff, width)
        energies, d_zeta = energies * switch, d_zeta * switch
        d_distances = d_distances * switch + slope

    of_shapes = torch.where(spheres, 0, energies)
    d_phi = torch.where(spheres, 0, d_zeta / sigma * contacts**3 / 4)
    d_forms = torch.stack([d_phi, of_shapes * mu / psi])  # -> [2, pair]
    d_directions = 2 * (d_forms * normals).sum(1)  # -> [3, pair]
    across = d_directions - directions * dot(directions, d_directions)
    d_vectors = directions * d_distances + across / distances
    turned = apply(shapes, normals[:, :, None])  # -> [3, 2, 2, pair]
    turns = -2 * (d_forms[:, None] * cross(turned, normals[:, :, None].expand_as(turned))).sum(1)
    relative = cross(G[:, :, 0], inverse(G.sum(2))).sum(1)  # -> [3, pair], of ln det G, halved
    relative = -upsilon * of_shapes * relative

    inside = (distances < cutoff) & (zeta > 0)  # -> [pair]
    gradient = (d_vectors, turns[:, 0] + relative, turns[:, 1] - relative)
    energies = torch.where(zeta <= 0, math.inf, energies)  # NaN stays NaN
    return torch.where(distances < cutoff, energies, 0), PairGradient(
        *(torch.where(inside, each, 0) for each in gradient)
    )
