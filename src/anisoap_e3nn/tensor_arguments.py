"""Checks of tensors, data and functions that a user gives."""

from typing import Any

import torch
from torch import Tensor

from .tracing import assert_on_gpu, is_readable


def check_tensors(**values: Any) -> None:
    """Refuse arguments that are no dense tensors on one device.

    Raises
    ------
    TypeError
        If a value is no tensor, or sparse.
    ValueError
        If tensors are on different devices.
    """
    for name, value in values.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"{name} is {_shown(value)}, expected a tensor")
        if value.layout is not torch.strided:
            raise TypeError(f"{name} is a tensor of layout {value.layout}, expected a dense one")
    first, *others = values
    for name in others:
        if values[name].device != values[first].device:
            raise ValueError(
                f"{name} is on {values[name].device} and {first} on {values[first].device}, expected one "
                "device; move one"
            )


def given(**values: Any) -> dict[str, Any]:
    """Those arguments that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def check_numbers(**values: Any) -> None:
    """Refuse arguments that are no tensors of one floating-point type.

    Raises
    ------
    TypeError
        As :func:`check_tensors`; also for other dtypes, and different ones.
    """
    check_tensors(**values)
    expected = next(iter(values.values())).dtype
    for name, value in values.items():
        if not value.is_floating_point() or value.dtype != expected:
            kind = expected if expected.is_floating_point else "floating point"
            raise TypeError(f"{name} is {value.dtype}, expected {kind}; convert it with .to()")


def check_indices(shape: tuple[int, ...], size: int, **values: Any) -> None:
    """Refuse arguments that are no integers below a size, or of another shape; -1 stands for any length.

    On a GPU the error comes later, when a result is first looked at.
    """
    check_tensors(**values)
    for name, value in values.items():
        if value.dtype not in (torch.int64, torch.int32):
            raise TypeError(f"{name} is {value.dtype}, expected torch.int64; use .long()")
        check_shape(name, value, shape)
        if value.numel() and is_readable(value):
            low, high = (int(x) for x in value.aminmax())
            if not 0 <= low <= high < size:
                raise ValueError(f"{name} has values in {low}..{high}, expected 0..{size - 1}")
        assert_on_gpu(value, lambda i: (i >= 0) & (i < size), f"{name} is out of range")


def has_shape(value: Tensor, shape: tuple[int, ...]) -> bool:
    """Whether a tensor has this shape; -1 stands for any length."""
    if value.dim() != len(shape):
        return False
    # one by one: compilers do not know whether tuples of unknown sizes are equal
    return all(n == -1 or n == m for n, m in zip(shape, value.shape, strict=True))


def check_shape(name: str, value: Tensor, shape: tuple[int, ...]) -> None:
    """Refuse a tensor of another shape; -1 stands for any length."""
    if not has_shape(value, shape):
        expected = ", ".join("N" if n == -1 else str(n) for n in shape)
        raise ValueError(f"{name} has shape {tuple(value.shape)}, expected ({expected})")


def check_dtype(name: str, value: Any) -> None:
    """Refuse what is neither None nor float32 nor float64.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if value is not None and not any(value is each for each in (torch.float32, torch.float64)):
        raise TypeError(f"{name} is {value!r:.100}, expected torch.float32 or torch.float64")


def check_data(data: Any, name: str = "data") -> None:
    """Refuse what has no positions.

    Raises
    ------
    TypeError
        If it is no EllipsoidData, no batch and nothing like them.
    """
    if isinstance(data, torch.nn.Module) or not isinstance(getattr(data, "pos", None), Tensor):
        raise TypeError(f"{name} is {_shown(data)}, expected an EllipsoidData or a Batch of them")


def check_callable(name: str, value: Any) -> None:
    """Refuse what cannot be called.

    Raises
    ------
    TypeError
        If it is neither a module nor a function.
    """
    if not callable(value):
        raise TypeError(f"{name} is {_shown(value)}, expected a module or a function")


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())  # in one line
    return text if value is None else f"of type {type(value).__name__}, {text:.100}"
