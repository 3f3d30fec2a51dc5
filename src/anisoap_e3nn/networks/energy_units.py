"""Energies of types, and the unit of what a network adds to them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def energy_shifts_and_scales(
    frames: Sequence[Any], type_index: Sequence[Tensor], n_types: int
) -> tuple[Tensor, Tensor]:
    """Measure the energy of each type, and the unit of the rest.

    The energies are a least-squares fit. The unit is the root mean square of the forces on particles of the
    type. Without forces it is that of the residuals of the fit per particle, the same for all types.

    Parameters
    ----------
    frames : sequence of EllipsoidData
        Frames with `energy` ``(1,)``, and all or none with `forces`.
    type_index : sequence of Tensor ``(N,)``, int64
        Types of each frame's particles, from 0 to n_types - 1.
    n_types : int

    Returns
    -------
    shifts, scales : Tensor ``(type,)``, float64
        The scale of a type without particles or with forces 0 is 1.
    """
    counts = torch.stack([x.bincount(minlength=n_types) for x in type_index]).double()
    energy = torch.cat([frame.energy for frame in frames]).double()  # -> [frame]
    shifts = torch.linalg.pinv(counts) @ energy  # -> [type]
    if "forces" in frames[0]:
        forces = torch.cat([frame.forces for frame in frames]).double()  # -> [particle, 3]
        sums = torch.zeros_like(shifts).index_add(
            0, torch.cat(list(type_index)), forces.square().mean(1)
        )
        scales = (sums / counts.sum(0)).sqrt()
    else:
        residuals = (energy - counts @ shifts) / counts.sum(1).clamp(min=1)  # -> [frame]
        scales = residuals.square().mean().sqrt().expand_as(shifts)
    return shifts, scales.where(scales > 0, 1.0)
