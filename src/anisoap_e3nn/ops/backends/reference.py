"""Backend ``torch``: the definition of gaussian_moments, on any device and with derivatives of any order."""

import math

import torch
from torch import Tensor

from ..moment_inputs import MomentInputs
from ..monomials import Exponents, lowered, moment_exponents


def gaussian_moments(inputs: MomentInputs) -> Tensor:
    r"""See :func:`anisoap_e3nn.ops.gaussian_moments`.

    By the recurrence :math:`M_{n + e_k} = \mu_k M_n + \sum_q C_{kq} n_q M_{n - e_q}` from :math:`M_0 = W`.
    """
    r, neighbors, segments, pair_weights = _edges(inputs)
    beta = inputs.exponent
    # the symmetric part, so that C_kq and C_qk share their derivative
    symmetric = (inputs.covariances + inputs.covariances.mT) / 2  # -> [particle, 3, 3]
    C = symmetric.index_select(0, neighbors)  # -> [edge, 3, 3]
    vanished = _is_vanishing(r.detach(), C.detach(), beta)  # -> [edge]
    r = r.masked_fill(vanished[:, None], 0)  # or 0 · ∞ would enter the derivatives
    # not as a matrix product, whose derivatives autocast would round
    mu = r - beta * (C * r[:, None]).sum(2)  # -> [edge, 3]
    damping = torch.exp(-0.5 * beta * (r * mu).sum(-1)).masked_fill(vanished, 0)  # -> [edge]
    W = inputs.weights.index_select(0, neighbors) * damping  # -> [edge]
    if pair_weights is not None:
        W = W * pair_weights

    exponents = moment_exponents(inputs.degree)
    moments: dict[Exponents, Tensor] = {(0, 0, 0): W}
    for target in sorted(exponents, key=sum)[1:]:
        k = _cheapest_axis(target)
        n = lowered(target, k)
        moment = mu[:, k] * moments[n]
        for q in range(3):
            if n[q] > 0:
                moment = moment + n[q] * C[:, k, q] * moments[lowered(n, q)]
        moments[target] = moment  # -> [edge]

    stacked = torch.stack([moments[n] for n in exponents], dim=-1)  # -> [edge, moment]
    zeros = stacked.new_zeros(inputs.n_segments, len(exponents))
    return zeros.index_add(0, segments, stacked)  # -> [segment, moment]


def _edges(inputs: MomentInputs) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Vectors, neighbours, segments and pair weights of all edges, those to the particles themselves too."""
    r, neighbors, segments = inputs.edge_vectors, inputs.neighbors, inputs.segments
    pair_weights, own_segments = inputs.pair_weights, inputs.own_segments
    if own_segments is None:
        return r, neighbors, segments, pair_weights
    n_own = own_segments.shape[0]
    if pair_weights is not None:
        pair_weights = torch.cat([pair_weights, pair_weights.new_ones(n_own)])
    return (
        torch.cat([r, r.new_zeros(n_own, 3)]),
        torch.cat([neighbors, torch.arange(n_own, device=neighbors.device)]),
        torch.cat([segments, own_segments]),
        pair_weights,
    )


def _is_vanishing(r: Tensor, C: Tensor, exponent: float) -> Tensor:
    """Whether the damping of an edge is below the smallest normal number."""
    mu = r - torch.einsum("ekq,eq->ek", exponent * C, r)  # -> [edge, 3]
    return 0.5 * exponent * (r * mu).sum(-1) > -math.log(torch.finfo(r.dtype).tiny)  # -> [edge]


def _cheapest_axis(target: Exponents) -> int:
    """The axis whose step to `target` has the fewest terms."""
    axes = [k for k in range(3) if target[k] > 0]
    return min(axes, key=lambda k: sum(component > 0 for component in lowered(target, k)))
