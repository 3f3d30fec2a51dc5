"""Torques that shapes cannot cause: about the axis of a symmetric top, and on spheres."""

import copy
from typing import Any

import torch
from torch import Tensor

from ..geometry import rotation_matrices

_TOLERANCE = 1e-6  # relative difference of semi-axes that count as equal


def visible_torques(torques: Tensor, data: Any) -> Tensor:
    r"""Torques without the parts about axes of symmetry: :math:`\tau - n (n \cdot \tau)`, and 0 for spheres.

    A body of revolution looks the same after a turn about its axis :math:`n`. No model of its shape explains
    the torque about it, which is noise from what the shape leaves out.

    Parameters
    ----------
    torques : Tensor ``(N, 3)``
        In the space frame.
    data : EllipsoidData or a Batch of them
        Particles that the torques act on.

    Returns
    -------
    Tensor ``(N, 3)``

    Examples
    --------
    >>> from anisoap_e3nn import EllipsoidData
    >>> disk = EllipsoidData([[0.0, 0, 0]], [[1.0, 0, 0, 0]], [[2.0, 2, 1]], [0])
    >>> visible_torques(torch.tensor([[1.0, 2, 3]]), disk)
    tensor([[1., 2., 0.]])
    """
    axes = data.semiaxes  # -> [particle, 3]
    i, j = torch.tensor([1, 2, 0]), torch.tensor([2, 0, 1])  # the two other axes of each
    symmetric = (axes[:, i] - axes[:, j]).abs() <= _TOLERANCE * axes.amax(1, keepdim=True)
    R = rotation_matrices(data.orientations)  # -> [particle, 3, 3]
    of_bodies = torch.einsum("nij,ni->nj", R, torques)  # -> [particle, 3]
    return torch.einsum("nij,nj->ni", R, of_bodies.where(~symmetric, 0))


def with_visible_torques(data: Any) -> Any:
    """Copy of a frame with the :func:`visible_torques` of its `torques`, if it has some."""
    data = copy.copy(data)
    if "torques" in data:
        data.torques = visible_torques(data.torques, data)
    return data
