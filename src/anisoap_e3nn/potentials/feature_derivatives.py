r"""How power spectra change when single neighbours move or turn, differentiated forward.

To differentiate backward would take one sweep for each feature; forward it takes one for each of six ways in
which a neighbour can move, for all edges at once: the coefficients are sums over edges, so that edges given
a centre of their own do not disturb each other.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..nn import AniSOAPEmbedding, PowerSpectrum


def slopes_along_edges(
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
    """Derivatives of the centres' power spectra with the edge's vector and with the neighbour's rotation.

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
    ways = [(move, zeros) for move in moves] + [(shifts, turn) for turn in _turns(R)]
    return torch.stack(_pushed_forward(spectra, (edge_vectors, R), ways), dim=1)


def slopes_of_own_turns(
    embedding: AniSOAPEmbedding,
    power_spectrum: PowerSpectrum,
    coefficients: Tensor,
    types: Tensor,
    rotations: Tensor,
    semiaxes: Tensor,
) -> Tensor:
    """Derivatives of the power spectra ``(N, 3, feature)`` with the rotation of the particle itself."""
    no_edges = torch.empty(2, 0, dtype=torch.int64, device=types.device)

    def spectra(R: Tensor) -> Tensor:
        alone = embedding(R.new_empty(0, 3), no_edges, types, R, semiaxes)
        features: Tensor = power_spectrum(coefficients + alone - alone.detach())
        return features

    ways = [(turn,) for turn in _turns(rotations)]
    return torch.stack(_pushed_forward(spectra, (rotations,), ways), dim=1)


def _turns(rotations: Tensor) -> Tensor:
    """[e]× R for the axes e of space ``(3, N, 3, 3)``."""
    axes = torch.eye(3).to(rotations)[:, None, :, None]
    return torch.linalg.cross(*torch.broadcast_tensors(axes, rotations), dim=2)


def _pushed_forward(
    function: Callable[..., Tensor], at: Sequence[Tensor], ways: Sequence[Sequence[Tensor]]
) -> list[Tensor]:
    r"""J v for several v, as the derivative of :math:`\langle v, J^\top g \rangle` with g.

    So it is forward differentiation of whatever can be differentiated backward twice.
    """
    at = [x.detach().requires_grad_() for x in at]
    with torch.enable_grad():
        out = function(*at)
        g = torch.zeros_like(out, requires_grad=True)
        gradients = torch.autograd.grad(out, at, g, create_graph=True)
    return [torch.autograd.grad(gradients, g, way, retain_graph=True)[0] for way in ways]
