"""Checks of the tensors that are multiplied."""

import torch
from torch import Tensor


def check_operands(**operands: tuple[Tensor, tuple[int, ...]]) -> None:
    """Refuse operands of other shapes than expected, or of another dtype or device than the first.

    Parameters
    ----------
    **operands
        Each operand and its shape.

    Raises
    ------
    ValueError
        If a shape or device is another.
    TypeError
        If an operand is neither float32 nor float64, or not of the first one's dtype.
    """
    leading, (first, _) = next(iter(operands.items()))
    for name, (tensor, shape) in operands.items():
        if tensor.shape != shape:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}, expected {shape}")
        if tensor.dtype not in (torch.float32, torch.float64):
            raise TypeError(f"{name} is {tensor.dtype}, expected torch.float32 or torch.float64")
        if tensor.dtype != first.dtype:
            raise TypeError(f"{name} is {tensor.dtype}, expected {first.dtype} as {leading}")
        if tensor.device != first.device:
            raise ValueError(
                f"{name} is on {tensor.device}, {leading} on {first.device}; move one of them"
            )
