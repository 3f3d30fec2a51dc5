"""The factors of the Gay-Berne formula; see :class:`anisoap_e3nn.gay_berne.GayBerne`."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..geometry import covariances, rotation_matrices
from ..geometry.contact import contact_of_pairs
from ..geometry.switching import smooth_switch
from ..geometry.vector_algebra import components_first


class Bodies(NamedTuple):
    """Ellipsoids, with all that the formula needs of them: all particles, or one end of each pair."""

    # G = R diag(a²) Rᵀ and B = R diag(ε^(-1/μ)) Rᵀ side by side, since to invert both at once is faster
    shapes: Tensor  # [particle, 3, 3, 2]
    sizes: Tensor  # s = (ab + c²) √(ab), [particle]
    type_index: Tensor  # [particle]

    def select(self, index: Tensor) -> "Bodies":
        """The bodies at these positions."""
        return Bodies(*(x.index_select(0, index) for x in self))


def build_bodies(
    orientations: Tensor, semiaxes: Tensor, well_depths: Tensor, mu: float, type_index: Tensor
) -> Bodies:
    """Bodies of orientations ``(N, 4)`` or ``(N, 3, 3)``, semi-axes and well depths ``(N, 3)``."""
    rotations = rotation_matrices(orientations)  # -> [particle, 3, 3]
    a, b, c = semiaxes.unbind(1)
    G, B = covariances(rotations, semiaxes), covariances(rotations, well_depths ** (-0.5 / mu))
    return Bodies(
        torch.stack([G, B], 3),
        (a * b + c * c) * (a * b).sqrt(),
        type_index,
    )


class PairConstants(NamedTuple):
    """Constants of the formula: those of each pair, and those of all."""

    epsilon: Tensor  # [pair]
    sigma: Tensor  # [pair]
    spheres: Tensor  # bool -> [pair], whether it is a Lennard-Jones pair
    cutoff: float
    smoothing_width: float
    gamma: float
    upsilon: float
    mu: float
    shift: bool


def energies_of_pairs(
    vectors: Tensor, first: Bodies, second: Bodies, constants: PairConstants
) -> Tensor:
    """Energies ``(pair,)`` of pairs with vectors ``(3, pair)``, in either direction."""
    epsilon, sigma, spheres, cutoff, width, gamma, upsilon, mu, shift = constants
    distances = torch.linalg.vector_norm(vectors, dim=0)  # -> [pair]
    shapes = components_first(first.shapes + second.shapes)  # -> [3, 3, 2, pair]
    contact = contact_of_pairs((vectors / distances)[:, None], shapes)

    zeta = (distances - contact.distances[0]) / sigma + gamma  # -> [pair]
    eta = (2 * first.sizes * second.sizes / contact.determinants[0]) ** (0.5 * upsilon)
    chi = (2 * contact.forms[1]) ** mu  # -> [pair]
    zeta = torch.where(spheres, distances / sigma, zeta)
    energies = epsilon * lennard_jones(zeta) * torch.where(spheres, 1, eta * chi)  # -> [pair]
    if shift:
        energies = energies - torch.where(spheres, epsilon * lennard_jones(cutoff / sigma), 0)
    if width:
        energies = energies * smooth_switch(distances, cutoff, width)
    energies = torch.where(zeta <= 0, math.inf, energies)  # NaN stays NaN
    return torch.where(distances < cutoff, energies, 0)


def lennard_jones(zeta: Tensor) -> Tensor:
    r""":math:`4 (\zeta^{-12} - \zeta^{-6})` for ζ > 0, and an arbitrary finite number for others."""
    power = torch.where(zeta > 0, zeta, 1) ** -6
    return 4 * (power * power - power)


def lennard_jones_derivative(zeta: Tensor) -> Tensor:
    r"""Derivative of :func:`lennard_jones` for ζ > 0, and an arbitrary finite number for others."""
    inside = torch.where(zeta > 0, zeta, 1)
    power = inside**-6
    return -24 * (2 * power * power - power) / inside
