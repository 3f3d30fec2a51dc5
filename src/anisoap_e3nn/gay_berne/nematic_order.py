"""An energy of the local nematic order, which is no sum over pairs."""

from typing import Any

import torch
from torch import Tensor

from ..arguments import number, positive
from ..geometry import covariances
from ..graph import Edges, edges_of
from ..hyperparameters import HyperparameterModule
from ..tensor_arguments import check_data


class NematicOrder(HyperparameterModule):
    r"""Energy of the nematic order around each particle.

    .. math::
        E_i = -J \; \tfrac32 \operatorname{tr} Q_i^2, \qquad
        Q_i = \frac{T_i + \sum_j f(r_{ij}) \, T_j}{1 + \sum_j f(r_{ij})}, \qquad
        f(r) = \left( 1 - r^2 / r_{cut}^2 \right)^3

    Here :math:`T_j = A_j / \operatorname{tr} A_j - \tfrac13` is the anisotropy of a particle's shape, with
    :math:`A_j = R_j \, \mathrm{diag}(a^2, b^2, c^2) R_j^\top`. For needles :math:`T = u u^\top - \tfrac13`, Q
    is the order tensor of the neighbourhood, and :math:`\tfrac32 \operatorname{tr} Q^2` the square of its
    order parameter: 1 where all are parallel. Spheres have no such energy. As a product of two averages it
    depends on all particles of the neighbourhood together. Added to :class:`GayBerne` it gives data that no
    sum over pairs can describe.

    Parameters
    ----------
    cutoff : float
        :math:`r_{cut}`, a length.
    strength : float
        J, an energy; where it is positive, particles align.

    Attributes
    ----------
    hyperparameters : dict
        The arguments of the constructor.

    Raises
    ------
    ValueError
        If the cutoff is not positive.

    Examples
    --------
    >>> from anisoap_e3nn import EllipsoidData
    >>> pos, needles, unturned = [[0.0, 0, 0], [1, 0, 0]], [[0, 0, 1.0]] * 2, [1.0, 0, 0, 0]
    >>> for other in (unturned, [0.5**0.5, 0.5**0.5, 0, 0]):
    ...     data = EllipsoidData(pos, [unturned, other], needles, [0, 0])
    ...     print(f"{NematicOrder(cutoff=100.0)(data)[0]:.2f}")
    -1.00
    -0.25
    """

    def __init__(self, cutoff: float, strength: float = 1.0) -> None:
        super().__init__()
        self.cutoff, self.strength = positive("cutoff", cutoff), number("strength", strength)
        self.hyperparameters = {"cutoff": self.cutoff, "strength": self.strength}

    def forward(self, data: Any, edges: Edges | None = None) -> Tensor:
        """Energies of the particles.

        Parameters
        ----------
        data : EllipsoidData or a Batch of them
        edges : Edges, optional
            Edges within `cutoff`; by default those of :func:`~anisoap_e3nn.graph.edges_of`.

        Returns
        -------
        Tensor ``(N,)``
        """
        check_data(data)
        edges = edges or edges_of(data, self.cutoff)
        neighbors, centers = edges.edge_index
        A = covariances(data.orientations, data.semiaxes)  # -> [particle, 3, 3]
        traces = A.diagonal(dim1=1, dim2=2).sum(1)[:, None, None]
        T = A / traces - torch.eye(3, dtype=A.dtype, device=A.device) / 3  # -> [particle, 3, 3]
        x2 = edges.edge_vectors.square().sum(1) / self.cutoff**2
        f = (1 - x2).clamp(min=0) ** 3  # -> [edge]
        sums = T.index_add(0, centers, f[:, None, None] * T.index_select(0, neighbors))
        weights = torch.ones_like(T[:, 0, 0]).index_add(0, centers, f)  # -> [particle]
        Q = sums / weights[:, None, None]  # -> [particle, 3, 3]
        return -self.strength * 1.5 * Q.square().sum((1, 2))
