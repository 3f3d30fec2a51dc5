r"""Jacobians of power spectra with respect to the neighbours' positions and orientations.

They are taken forward: one sweep for each of the six tangents in which a neighbour can move or turn, for all
edges at once. (Backward it would take one sweep for each feature.) Coefficients are sums over edges, so each
edge is given a centre of its own, and no edge disturbs another.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..nn import AniSOAPEmbedding, PowerSpectrum


def jacobian_along_edges(
    embedding: AniSOAPEmbedding,
    power_spectrum: PowerSpectrum,
    coefficients: Tensor,
    types: Tensor,
    rotations: Tensor,
    semiaxes: Tensor,
    edge_vectors: Tensor,
    neighbors: Tensor,
    centers: Tensor,
) -> Tensor:
    """Jacobian of each edge's centre with respect to the edge's vector and the neighbour's rotation.

    Parameters
    ----------
    embedding, power_spectrum
    coefficients : Tensor ``(N, coefficient)``
        Of all particles, with all their edges.
    types, rotations, semiaxes : Tensor ``(N,)``, ``(N, 3, 3)``, ``(N, 3)``
    edge_vectors, neighbors, centers : Tensor ``(edge, 3)``, ``(edge,)``, ``(edge,)``
        Some of the edges.

    Returns
    -------
    Tensor ``(edge, 6, feature)``
        The rotation is one of the space frame, in radians about x, y, z.
    """
    n = len(neighbors)
    own_centers = torch.arange(n, 2 * n, device=neighbors.device)
    edge_index = torch.stack([torch.arange(n, device=neighbors.device), own_centers])
    of_both = torch.cat([neighbors, centers])
    R, fixed = rotations[neighbors], rotations[centers]

    def spectra(vectors: Tensor, R: Tensor) -> Tensor:
        alone = embedding(
            vectors, edge_index, types[of_both], torch.cat([R, fixed]), semiaxes[of_both]
        )[n:]
        features: Tensor = power_spectrum(coefficients[centers] + alone - alone.detach())
        return features

    zeros, shifts = torch.zeros_like(R), torch.zeros_like(edge_vectors)
    moves = torch.eye(3).to(edge_vectors)[:, None].expand(3, n, 3)
    tangents = [(move, zeros) for move in moves] + [(shifts, turn) for turn in _turns(R)]
    return torch.stack(_pushed_forward(spectra, (edge_vectors, R), tangents), dim=1)


def jacobian_of_own_rotations(
    embedding: AniSOAPEmbedding,
    power_spectrum: PowerSpectrum,
    coefficients: Tensor,
    types: Tensor,
    rotations: Tensor,
    semiaxes: Tensor,
) -> Tensor:
    """Jacobian with respect to rotations of the particle itself ``(N, 3, feature)``; see the other."""
    no_edges = torch.empty(2, 0, dtype=torch.int64, device=types.device)

    def spectra(R: Tensor) -> Tensor:
        alone = embedding(R.new_empty(0, 3), no_edges, types, R, semiaxes)
        features: Tensor = power_spectrum(coefficients + alone - alone.detach())
        return features

    tangents = [(turn,) for turn in _turns(rotations)]
    return torch.stack(_pushed_forward(spectra, (rotations,), tangents), dim=1)


def _turns(rotations: Tensor) -> Tensor:
    """[e]× R for the axes e of space ``(3, N, 3, 3)``."""
    axes = torch.eye(3).to(rotations)[:, None, :, None]
    return torch.linalg.cross(*torch.broadcast_tensors(axes, rotations), dim=2)


def _pushed_forward(
    function: Callable[..., Tensor], at: Sequence[Tensor], tangents: Sequence[Sequence[Tensor]]
) -> list[Tensor]:
    r"""J v for several v, as the derivative of :math:`\langle v, J^\top g \rangle` with g.

    So it is forward differentiation of whatever can be differentiated backward twice.
    """
    at = [x.detach().requires_grad_() for x in at]
    with torch.enable_grad():
        out = function(*at)
        g = torch.zeros_like(out, requires_grad=True)
        gradients = torch.autograd.grad(out, at, g, create_graph=True)
    return [torch.autograd.grad(gradients, g, v, retain_graph=True)[0] for v in tangents]
