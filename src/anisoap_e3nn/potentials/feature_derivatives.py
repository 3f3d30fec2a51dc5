r"""Jacobians of power spectra with respect to the neighbours' positions and orientations.

They are computed in forward mode: one sweep over all edges for each of the six tangents along which a
neighbour can move or turn. (Reverse mode would take one sweep for each feature.) Coefficients are sums over
edges. Each edge therefore gets a centre of its own, so that edges do not mix.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..nn import AniSOAPEmbedding, PowerSpectrum


@dataclass(frozen=True)
class SpectrumJacobians:
    """Jacobians of the power spectra of one configuration.

    Rotations are infinitesimal rotations of the space frame, in radians about x, y and z.

    Parameters
    ----------
    embedding : AniSOAPEmbedding
    power_spectrum : PowerSpectrum
    coefficients : Tensor ``(N, coefficient)``
        Coefficients of all particles, from all their edges.
    types : Tensor ``(N,)``
        Particle types.
    rotations : Tensor ``(N, 3, 3)``
        Orientations, body → space.
    semiaxes : Tensor ``(N, 3)``
        Semi-axes of the particles, a length.
    """

    embedding: AniSOAPEmbedding
    power_spectrum: PowerSpectrum
    coefficients: Tensor
    types: Tensor
    rotations: Tensor
    semiaxes: Tensor

    def along_edges(self, edge_vectors: Tensor, neighbors: Tensor, centers: Tensor) -> Tensor:
        """Jacobian of each edge's centre with respect to the edge vector and the neighbour's rotation.

        Parameters
        ----------
        edge_vectors, neighbors, centers : Tensor ``(edge, 3)``, ``(edge,)``, ``(edge,)``
            Any selection of edges.

        Returns
        -------
        Tensor ``(edge, 6, feature)``
        """
        n = len(neighbors)
        own_centers = torch.arange(n, 2 * n, device=neighbors.device)
        edge_index = torch.stack([torch.arange(n, device=neighbors.device), own_centers])
        of_both = torch.cat([neighbors, centers])
        types, semiaxes = self.types[of_both], self.semiaxes[of_both]
        R, fixed = self.rotations[neighbors], self.rotations[centers]

        def spectra(vectors: Tensor, R: Tensor) -> Tensor:
            both = torch.cat([R, fixed])
            alone = self.embedding(vectors, edge_index, types, both, semiaxes)[n:]
            return self._spectra(self.coefficients[centers], alone)

        zeros, shifts = torch.zeros_like(R), torch.zeros_like(edge_vectors)
        moves = torch.eye(3, dtype=R.dtype, device=R.device)[:, None].expand(3, n, 3)
        tangents = [(move, zeros) for move in moves]
        tangents += [(shifts, tangent) for tangent in _rotation_tangents(R)]
        return torch.stack(_pushed_forward(spectra, (edge_vectors, R), tangents), dim=1)

    def of_own_rotations(self) -> Tensor:
        """Jacobian of each particle with respect to its own rotation ``(N, 3, feature)``."""
        no_edges = torch.empty(2, 0, dtype=torch.int64, device=self.types.device)

        def spectra(R: Tensor) -> Tensor:
            alone = self.embedding(R.new_empty(0, 3), no_edges, self.types, R, self.semiaxes)
            return self._spectra(self.coefficients, alone)

        tangents = [(tangent,) for tangent in _rotation_tangents(self.rotations)]
        return torch.stack(_pushed_forward(spectra, (self.rotations,), tangents), dim=1)

    def _spectra(self, coefficients: Tensor, alone: Tensor) -> Tensor:
        """Power spectra at given coefficients, with the derivatives of one contribution to them."""
        spectra: Tensor = self.power_spectrum(coefficients + alone - alone.detach())
        return spectra


def _rotation_tangents(rotations: Tensor) -> Tensor:
    """Tangents [e]× R of rotations about the axes e of space ``(3, N, 3, 3)``."""
    axes = torch.eye(3, dtype=rotations.dtype, device=rotations.device)[:, None, :, None]
    return torch.linalg.cross(*torch.broadcast_tensors(axes, rotations), dim=2)


def _pushed_forward(
    function: Callable[..., Tensor], at: Sequence[Tensor], tangents: Sequence[Sequence[Tensor]]
) -> list[Tensor]:
    r"""J v for several tangents v, as the derivative of :math:`\langle v, J^\top g \rangle` with g.

    It is forward differentiation of any function that can be differentiated backward twice.
    """
    at = [x.detach().requires_grad_() for x in at]
    with torch.enable_grad():
        out = function(*at)
        g = torch.zeros_like(out, requires_grad=True)
        gradients = torch.autograd.grad(out, at, g, create_graph=True)
    return [torch.autograd.grad(gradients, g, v, retain_graph=True)[0] for v in tangents]
