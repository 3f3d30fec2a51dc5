"""The factors of the Gay-Berne formula; see :class:`anisoap_e3nn.gay_berne.GayBerne`."""

from typing import NamedTuple

import torch
from torch import Tensor

from ..geometry import covariances, rotation_matrices
from ..geometry.contact import contact_of_pairs
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


def factors(
    distances: Tensor,
    directions: Tensor,
    first: Bodies,
    second: Bodies,
    sigma: Tensor,
    gamma: float,
    upsilon: float,
    mu: float,
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Reduced distances :math:`\zeta` and strengths :math:`\eta`, :math:`\chi` of pairs.

    The directions are unit vectors ``(3, pair)``, components first.
    """
    shapes = components_first(first.shapes + second.shapes)  # -> [3, 3, 2, pair]
    contact = contact_of_pairs(directions[:, None], shapes)
    zeta = (distances - contact.distances[0]) / sigma + gamma  # -> [pair]
    eta = (2 * first.sizes * second.sizes / contact.determinants[0]) ** (0.5 * upsilon)  # -> [pair]
    return zeta, eta, (2 * contact.forms[1]) ** mu


def lennard_jones(zeta: Tensor) -> Tensor:
    r""":math:`4 (\zeta^{-12} - \zeta^{-6})` for ζ > 0, and an arbitrary finite number for others."""
    power = torch.where(zeta > 0, zeta, 1) ** -6
    return 4 * (power * power - power)
