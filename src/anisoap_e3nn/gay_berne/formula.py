"""The factors of the Gay-Berne formula; see :class:`anisoap_e3nn.gay_berne.GayBerne`."""

from typing import NamedTuple

import torch
from torch import Tensor

from ..geometry import covariances, rotation_matrices


class Bodies(NamedTuple):
    """What the formula needs to know of ellipsoids: of all particles, or of one in each pair."""

    extents: Tensor  # G = R diag(a²) Rᵀ, [particle, 3, 3]
    softness: Tensor  # B = R diag(ε^(-1/μ)) Rᵀ, [particle, 3, 3]
    sizes: Tensor  # s = (ab + c²) √(ab), [particle]
    type_index: Tensor  # [particle]

    def select(self, index: Tensor) -> "Bodies":
        """The bodies of these indices."""
        return Bodies(*(x.index_select(0, index) for x in self))


def build_bodies(
    orientations: Tensor, semiaxes: Tensor, well_depths: Tensor, mu: float, type_index: Tensor
) -> Bodies:
    """From orientations ``(N, 4)`` or ``(N, 3, 3)``, semi-axes and well depths ``(N, 3)``."""
    rotations = rotation_matrices(orientations)  # -> [particle, 3, 3]
    a, b, c = semiaxes.unbind(1)
    return Bodies(
        covariances(rotations, semiaxes),
        covariances(rotations, well_depths ** (-0.5 / mu)),
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
    r"""Reduced distances :math:`\zeta` and strengths :math:`\eta`, :math:`\chi` of pairs."""
    contact, det_G = contact_distances(directions, first.extents + second.extents)
    zeta = (distances - contact) / sigma + gamma  # -> [pair]
    eta = (2 * first.sizes * second.sizes / det_G) ** (0.5 * upsilon)  # -> [pair]
    softness, _ = _inverse_form(directions, first.softness + second.softness)  # -> [pair]
    return zeta, eta, (2 * softness) ** mu


def lennard_jones(zeta: Tensor) -> Tensor:
    r""":math:`4 (\zeta^{-12} - \zeta^{-6})`, and without meaning, but finite, where ζ is not positive."""
    power = torch.where(zeta > 0, zeta, 1) ** -6
    return 4 * (power * power - power)


def smooth_switch(distances: Tensor, cutoff: float, width: float) -> Tensor:
    """1 up to `cutoff` - `width` and 0 from `cutoff` on, continuous with three derivatives."""
    x = ((cutoff - distances) / width).clamp(0, 1)
    return x**4 * (35 - 84 * x + 70 * x**2 - 20 * x**3)


def contact_distances(directions: Tensor, extents: Tensor) -> tuple[Tensor, Tensor]:
    r"""Distance :math:`\sigma_{12} = (\tfrac12 \hat r^\top G^{-1} \hat r)^{-1/2}` of centres in contact.

    It is an approximation, Berne and Pechukas' overlap of Gaussians, exact for equal spheres.

    Parameters
    ----------
    directions : Tensor ``(pair, 3)``
        Unit vectors.
    extents : Tensor ``(pair, 3, 3)``
        :math:`G = G_1 + G_2`.

    Returns
    -------
    distances : Tensor ``(pair,)``
    determinants : Tensor ``(pair,)``
        Of G.
    """
    inverse, determinants = _inverse_form(directions, extents)
    return (0.5 * inverse).rsqrt(), determinants


def _inverse_form(vectors: Tensor, matrices: Tensor) -> tuple[Tensor, Tensor]:
    r"""Quadratic forms :math:`v^\top M^{-1} v` of symmetric matrices, and :math:`\det M`."""
    # by cross products, since to solve many 3 × 3 systems takes several times as long
    x, y, z = matrices.unbind(-2)
    adjugate = torch.stack([torch.linalg.cross(*rows) for rows in ((y, z), (z, x), (x, y))], -2)
    determinants = (x * adjugate[:, 0]).sum(-1)  # -> [pair]
    form = ((adjugate @ vectors[..., None]).squeeze(-1) * vectors).sum(-1)  # -> [pair]
    return form / determinants, determinants
