"""Gradients of the coefficients with respect to the positions, by pairs of particles."""

import torch
from torch import Tensor

from ...geometry import damped_covariances
from ...nn import AniSOAPEmbedding
from ...ops import gaussian_moments, moment_exponents
from .frames import Ellipsoids


def position_gradients(
    embedding: AniSOAPEmbedding, particles: Ellipsoids, edge_vectors: Tensor, edge_index: Tensor
) -> tuple[Tensor, Tensor]:
    r"""Gradients :math:`\partial c_i / \partial r_j` of the coefficients for all pairs of neighbours.

    Moving a density by :math:`\delta` is the same as taking its moments about :math:`-\delta`. So the
    damped moments of a pair have the derivatives

    .. math::
        \frac{\partial M_n}{\partial r_k}
            = \int \frac{\partial}{\partial x_k} \left( x^n e^{-\beta |x|^2 / 2} \right)
              N(x; r, \Sigma) \, d^3x
            = n_k M_{n - e_k} - \beta M_{n + e_k}.

    They are exact and need moments of one degree more. The gradient with respect to the centre itself is
    minus the sum over its neighbours. A particle's own periodic images move with it and do not count.

    Parameters
    ----------
    embedding : AniSOAPEmbedding
        Layer without a cutoff function.
    particles : Ellipsoids
    edge_vectors : Tensor ``(edge, 3)``
    edge_index : Tensor ``(2, edge)``

    Returns
    -------
    pairs : Tensor ``(pair, 2)``, int64
        Centre i and moving particle j, sorted. Every centre with neighbours has a pair (i, i).
    gradients : Tensor ``(pair, 3, irreps_out.dim)``
    """
    n, degree, unit = len(particles.types), embedding.projection.degree, embedding.moments.units[0]
    beta = embedding.basis.exponent * unit**2
    apart = edge_index[0] != edge_index[1]  # -> [edge]
    neighbors, centers = edge_index[:, apart]
    pairs, segments = torch.unique(centers * n + neighbors, return_inverse=True)
    i, j = pairs // n, pairs % n  # -> [pair]
    moments = gaussian_moments(
        edge_vectors[apart] / unit,
        neighbors,
        segments,
        len(pairs),
        *damped_covariances(particles.rotations, particles.semiaxes / unit, beta),
        exponent=beta,
        degree=degree + 1,
    )  # -> [pair, moment]
    derivatives = _derivatives(moments, degree, beta)  # -> [pair, 3, moment]

    type_index = embedding.type_index(particles.types)  # -> [particle]
    of_neighbors = derivatives.new_zeros(len(pairs), len(embedding.types), *derivatives.shape[1:])
    of_neighbors[torch.arange(len(pairs)), type_index[j]] = derivatives
    of_centers = -derivatives.new_zeros(n, *of_neighbors.shape[1:]).index_add(0, i, of_neighbors)
    moved = torch.unique(i)  # the centres that have neighbours
    everything = torch.cat([of_neighbors, of_centers[moved]])  # -> [pair, type, 3, moment]
    pairs, order = torch.cat([pairs, moved * (n + 1)]).sort()
    flat = (
        everything[order].transpose(1, 2).flatten(0, 2)[:, None]
    )  # -> [pair · 3 · type, 1, moment]
    gradients = embedding.projection(flat).unflatten(0, (-1, 3)) / unit
    return torch.stack([pairs // n, pairs % n], dim=1), gradients


def _derivatives(moments: Tensor, degree: int, beta: float) -> Tensor:
    row = {n: k for k, n in enumerate(moment_exponents(degree + 1))}
    kept = moment_exponents(degree)
    along = []
    for axis in range(3):
        powers = [n[axis] for n in kept]
        lower = [row[_raised(n, axis, -1)] if n[axis] else 0 for n in kept]
        higher = [row[_raised(n, axis, 1)] for n in kept]
        factors = moments.new_tensor(powers)
        along.append(factors * moments[:, lower] - beta * moments[:, higher])
    return torch.stack(along, dim=1)  # -> [pair, 3, moment]


def _raised(n: tuple[int, int, int], axis: int, step: int) -> tuple[int, int, int]:
    a, b, c = (power + step * (k == axis) for k, power in enumerate(n))
    return a, b, c
