"""Backend ``torch``: the definition of gaussian_moments, on any device and with derivatives of any order."""

import math

import torch
from torch import Tensor

from ..moment_inputs import MomentInputs
from ..monomial_tables import lowered_monomials, stored_positions


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

    mu, C = mu.T.contiguous(), C.permute(1, 2, 0).contiguous()  # -> [3, edge], [3, 3, edge]
    moments = [W[None]]  # one tensor for each degree -> [monomial, edge]
    for degree in range(1, inputs.degree + 1):
        M = moments[-1]
        tables = lowered_monomials(degree - 1, M) if degree > 1 else []
        # n_q M_{n - e_q}, for each q
        n_M = [factors * moments[-2].index_select(0, below) for below, factors in tables]
        # n + e_k for k = x and all n, then for k = y and z with the last ones, which have no x, and no y
        ends = ((k, M.shape[0] - rows) for k, rows in enumerate((M.shape[0], degree, 1)))
        raised = [
            sum((C[k, q] * n_M[q][some:] for q in range(k, len(n_M))), start=mu[k] * M[some:])
            for k, some in ends
        ]
        moments.append(torch.cat(raised))

    every = torch.cat(moments)  # -> [moment, edge]
    sums = every.new_zeros(every.shape[0], inputs.n_segments).index_add(1, segments, every)
    return sums.index_select(0, stored_positions(inputs.degree, sums)).T.contiguous()


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
