"""Checks of the targets and further fields of ellipsoid data."""

from typing import Any

import torch
from torch import Tensor


def to_tensor(
    name: str, values: Any, dtype: torch.dtype | None, device: torch.device | None
) -> Tensor:
    """A field as a tensor; tensors stay as they are.

    Raises
    ------
    TypeError
        If the values are no numbers or of uneven length.
    """
    if isinstance(values, Tensor):
        if values.layout != torch.strided or (device is not None and values.device != device):
            raise TypeError(
                f"{name} is a tensor of layout {values.layout} on {values.device}, expected a dense one on "
                f"{device or 'the CPU'}, as the other fields"
            )
        return values
    try:
        return torch.as_tensor(values, dtype=dtype, device=device)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"{name} is {values!r:.200}, expected a tensor, an array or nested lists of numbers ({error})"
        ) from error


def refuse_faulty_targets(data: Any) -> None:
    """Refuse energies, forces, torques and stress of wrong kind, shape or dtype, and NaN in them.

    Raises
    ------
    TypeError
        If a target is no tensor, or its dtype is not that of the positions.
    ValueError
        If a target has the wrong shape, or is NaN or infinite.
    """
    n, frames = len(data.pos), len(data.cell)
    shapes = {
        "energy": (frames,),
        "forces": (n, 3),
        "torques": (n, 3),
        "stress": (frames, 3, 3),
    }
    for name, shape in shapes.items():
        if name not in data:
            continue
        values = data[name]
        if not isinstance(values, Tensor):
            raise TypeError(f"{name} is a {type(values).__name__}, expected a tensor")
        if values.device != data.pos.device:
            raise ValueError(f"{name} is on {values.device}, expected {data.pos.device} as pos")
        if tuple(values.shape) != shape:
            raise ValueError(
                f"{name} has shape {tuple(values.shape)}, expected {shape} for {n} particles"
            )
        if values.dtype != data.pos.dtype:
            raise TypeError(
                f"{name} is {values.dtype}, expected {data.pos.dtype}, the dtype of pos; convert it with "
                f".to({data.pos.dtype})"
            )
        if not values.detach().isfinite().all():
            raise ValueError(f"{name} is NaN or infinite, expected finite numbers")
