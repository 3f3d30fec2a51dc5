"""What both sources of Gay-Berne frames share: the particle, its potential, and the labels."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch

from ..data.ellipsoid_data import EllipsoidData
from ..geometry import rotation_matrices
from .potential import GayBerne

TRIAXIAL_SEMIAXES = (0.5, 0.75, 1.0)


def triaxial_gay_berne(cutoff: float, smoothing_width: float = 0.0) -> GayBerne:
    r"""The potential of the particles with semi-axes a, b, c = 0.5, 0.75, 1.0, type 0.

    :math:`\epsilon = \gamma = \upsilon = \mu = 1`, :math:`\sigma = 2a = 1`, and the well depths
    :math:`bc / \sigma a = 1.5`, :math:`ca / \sigma b = 0.67`, :math:`ab / \sigma c = 0.375` of large
    uniform bodies: strongest face to face, weakest end to end.

    Parameters
    ----------
    cutoff, smoothing_width : float
        As for :class:`GayBerne`.

    Returns
    -------
    GayBerne
    """
    a, b, c = TRIAXIAL_SEMIAXES
    depths = [b * c / a, c * a / b, a * b / c]
    return GayBerne([0], cutoff, well_depths=depths, smoothing_width=smoothing_width)


def label_frames(
    potential: Callable[[Any], Tensor],
    frames: Sequence[EllipsoidData],
    dtype: torch.dtype | None = None,
) -> list[EllipsoidData]:
    """Copies of frames that also hold what a potential says of them.

    Parameters
    ----------
    potential : Module or function
        From data to energies of the particles ``(N,)``, such as :class:`GayBerne`.
    frames : sequence of EllipsoidData
        All are evaluated at once.
    dtype : torch.dtype, optional
        Of the copies; without it, that of the frames, in which the potential is evaluated in any case.

    Returns
    -------
    list of EllipsoidData
        With `energy` ``(1,)``, `forces` ``(N, 3)`` and `torques` ``(N, 3)``, those in the space frame.
    """
    batch = Batch.from_data_list(list(frames))
    pos, rotations = batch.pos.detach(), rotation_matrices(batch.orientations.detach())
    with torch.enable_grad():
        batch.pos, batch.orientations = pos.requires_grad_(), rotations.requires_grad_()
        energies = potential(batch)  # -> [particle]
        d_pos, d_rotations = torch.autograd.grad(
            energies.sum(), (pos, rotations), materialize_grads=True
        )
    torques = -torch.linalg.cross(rotations.detach(), d_rotations, dim=1).sum(2)  # -> [particle, 3]
    energy = energies.new_zeros(len(frames)).index_add(0, batch.batch, energies).detach()
    counts = batch.ptr.diff().tolist()
    labelled = []
    for frame, *labels in zip(
        frames, energy.split(1), (-d_pos).split(counts), torques.split(counts), strict=True
    ):
        data = copy.copy(frame)
        data.energy, data.forces, data.torques = (label.clone() for label in labels)
        labelled.append(_cast(data, dtype or frame.pos.dtype))
    return labelled


def _cast(data: EllipsoidData, dtype: torch.dtype) -> EllipsoidData:
    for name, value in data.to_dict().items():
        if isinstance(value, Tensor) and value.is_floating_point():
            data[name] = value.to(dtype)
    return data
