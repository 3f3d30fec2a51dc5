"""Labelling of frames with energies, forces and torques, and the triaxial model particle."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..data.batches import iterate_batches
from ..data.ellipsoid_data import EllipsoidData
from ..geometry import torques_of_gradient
from .potential import GayBerne

TRIAXIAL_SEMIAXES = (0.5, 0.75, 1.0)


def triaxial_gay_berne(cutoff: float, smoothing_width: float = 0.0) -> GayBerne:
    r"""Gay-Berne potential of triaxial particles of type 0, with semi-axes a, b, c = 0.5, 0.75, 1.0.

    Its parameters are :math:`\epsilon = \gamma = \upsilon = \mu = 1`, :math:`\sigma = 2a = 1`, and the well
    depths of large uniform bodies, :math:`bc / \sigma a = 1.5`, :math:`ca / \sigma b = 0.67` and
    :math:`ab / \sigma c = 0.375`. Attraction is strongest face to face and weakest end to end.

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
    """Copy frames and add the energies, forces and torques of a potential.

    Parameters
    ----------
    potential : Module or function
        From data to energies of the particles ``(N,)``, such as :class:`GayBerne`.
    frames : sequence of EllipsoidData
        All are evaluated at once, in their own dtype.
    dtype : torch.dtype, optional
        Of the copies; by default the dtype of the frames.

    Returns
    -------
    list of EllipsoidData
        With `energy` ``(1,)``, `forces` ``(N, 3)`` and `torques` ``(N, 3)`` along the axes of space.
    """
    if not frames:
        return []
    (batch,) = iterate_batches(frames, len(frames))
    pos, orientations = batch.pos.detach(), batch.orientations.detach()
    with torch.enable_grad():
        batch.pos, batch.orientations = pos.requires_grad_(), orientations.requires_grad_()
        energies = potential(batch)  # -> [particle]
        d_pos, d_orientations = torch.autograd.grad(
            energies.sum(), (pos, orientations), materialize_grads=True
        )
    torques = torques_of_gradient(orientations.detach(), d_orientations)  # -> [particle, 3]
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
