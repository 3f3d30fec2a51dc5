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
    type. Without forces it is that of the residuals of the fit per particle, the same for all types;
    without energies either, that of the torques. Without energies the shifts are 0.

    Parameters
    ----------
    frames : sequence of EllipsoidData
        Frames with one or more of `energy` ``(1,)``, `forces` and `torques` ``(N, 3)``, all with the same.
    type_index : sequence of Tensor ``(N,)``, int64
        Types of each frame's particles, from 0 to n_types - 1.
    n_types : int

    Returns
    -------
    shifts, scales : Tensor ``(type,)``, float64
        The scale of a type without particles or with forces 0 is 1.
    """
    counts = torch.stack([x.bincount(minlength=n_types) for x in type_index]).double()
    has_energy, shifts = "energy" in frames[0], counts.new_zeros(n_types)
    if has_energy:
        energy = torch.cat([frame.energy for frame in frames]).double()  # -> [frame]
        shifts = torch.linalg.pinv(counts) @ energy  # -> [type]
    if "forces" in frames[0] or not has_energy:
        name = "forces" if "forces" in frames[0] else "torques"
        slopes = torch.cat([frame[name] for frame in frames]).double()  # -> [particle, 3]
        sums = torch.zeros_like(shifts).index_add(
            0, torch.cat(list(type_index)), slopes.square().mean(1)
        )
        scales = (sums / counts.sum(0)).sqrt()
    else:
        residuals = (energy - counts @ shifts) / counts.sum(1).clamp(min=1)  # -> [frame]
        scales = residuals.square().mean().sqrt().expand_as(shifts)
    return shifts, scales.where(scales > 0, 1.0)
