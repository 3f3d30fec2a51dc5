"""Backend ``torch``: the definitions, in plain torch. Any device, any order of derivative by autograd."""

import math

import torch
from torch import Tensor

from ..monomials import moment_exponents

Exponents = tuple[int, int, int]


def gaussian_moments(
    edge_vectors: Tensor,
    neighbors: Tensor,
    segments: Tensor,
    n_segments: int,
    covariances: Tensor,
    weights: Tensor,
    pair_weights: Tensor | None,
    own_segments: Tensor | None,
    exponent: float,
    degree: int,
) -> Tensor:
    r"""See :func:`anisoap_e3nn.ops.gaussian_moments`.

    By the recurrence :math:`M_{n + e_k} = \mu_k M_n + \sum_q C_{kq} n_q M_{n - e_q}` from :math:`M_0 = W`.
    """
    if own_segments is not None:
        n_own = own_segments.shape[0]
        edge_vectors = torch.cat([edge_vectors, edge_vectors.new_zeros(n_own, 3)])
        neighbors = torch.cat([neighbors, torch.arange(n_own, device=neighbors.device)])
        segments = torch.cat([segments, own_segments])
        if pair_weights is not None:
            pair_weights = torch.cat([pair_weights, pair_weights.new_ones(n_own)])
    symmetric = (covariances + covariances.mT) / 2  # which says how derivatives are shared out
    C = symmetric.index_select(0, neighbors)  # -> [edge, 3, 3]
    vanished = _is_vanishing(edge_vectors.detach(), C.detach(), exponent)  # -> [edge]
    r = edge_vectors.masked_fill(vanished[:, None], 0)  # or 0 · ∞ would enter the derivatives
    mu = r - exponent * torch.einsum("ekq,eq->ek", C, r)  # -> [edge, 3]
    damping = torch.exp(-0.5 * exponent * (r * mu).sum(-1)).masked_fill(vanished, 0)  # -> [edge]
    W = weights.index_select(0, neighbors) * damping  # -> [edge]
    if pair_weights is not None:
        W = W * pair_weights

    exponents = moment_exponents(degree)
    moments: dict[Exponents, Tensor] = {(0, 0, 0): W}
    for target in sorted(exponents, key=sum)[1:]:
        k = _cheapest_axis(target)
        n = _lowered(target, k)
        moment = mu[:, k] * moments[n]
        for q in range(3):
            if n[q] > 0:
                moment = moment + n[q] * C[:, k, q] * moments[_lowered(n, q)]
        moments[target] = moment  # -> [edge]

    stacked = torch.stack([moments[n] for n in exponents], dim=-1)  # -> [edge, moment]
    return stacked.new_zeros(n_segments, len(exponents)).index_add(0, segments, stacked)


def _is_vanishing(r: Tensor, C: Tensor, exponent: float) -> Tensor:
    """Which edges are so long that their damping is no normal number."""
    mu = r - torch.einsum("ekq,eq->ek", exponent * C, r)  # -> [edge, 3]
    return 0.5 * exponent * (r * mu).sum(-1) > -math.log(torch.finfo(r.dtype).tiny)  # -> [edge]


def _lowered(n: Exponents, axis: int) -> Exponents:
    a, b, c = (n[k] - (k == axis) for k in range(3))
    return a, b, c


def _cheapest_axis(target: Exponents) -> int:
    """The axis whose step to `target` has the fewest terms."""
    axes = [k for k in range(3) if target[k] > 0]
    return min(axes, key=lambda k: sum(component > 0 for component in _lowered(target, k)))
