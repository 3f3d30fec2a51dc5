"""Whether the values of tensors may be looked at, and whether results are to be differentiated."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import (
    TransformType,
    get_interpreter_stack,
    get_unwrapped,
    is_gradtrackingtensor,
)
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import get_proxy_mode

_NOT_READ = {"cuda", "meta"}  # kinds of devices


def is_tracing() -> bool:
    """Whether a tracer or ``torch.vmap`` is at work.

    Tracers are ``torch.compile``, ``torch.export``, ``make_fx`` and ``torch.jit.trace``. Code that reads
    values of tensors, or makes shapes of them, breaks the graph of a tracer or freezes the values into it.
    In ``torch.vmap`` a tensor has no single value. Checks of inputs are therefore left out while one is at
    work.
    """
    return torch.compiler.is_compiling() or is_recording() or is_mapping()


def is_readable(*tensors: Tensor) -> bool:
    """Whether the values of these tensors may be looked at.

    They may not while a tracer or ``torch.vmap`` is at work (:func:`is_tracing`), nor on the meta device,
    which has none. On CUDA a look would wait until the GPU has done all its work, and would break the capture
    of a CUDA graph. There :func:`assert_on_gpu` checks without waiting.
    """
    return not any(tensor.device.type in _NOT_READ for tensor in tensors) and not is_tracing()


def assert_on_gpu(values: Tensor, are_legal: Callable[[Tensor], Tensor], message: str) -> None:
    """Let the GPU stop with a message at illegal values. Nothing waits for it.

    It does nothing where values may be looked at, and while a tracer is at work.

    Parameters
    ----------
    values : Tensor
    are_legal : function
        From the values to bools.
    message : str
        At most 255 characters.
    """
    if values.device.type in _NOT_READ and not is_tracing():
        torch._assert_async(are_legal(values).all(), message)


def without_gradients(tensor: Tensor) -> Tensor:
    """The tensor beneath the wrappers of ``torch.func.grad`` and its kin."""
    while is_gradtrackingtensor(tensor):
        tensor = get_unwrapped(tensor)
    return tensor


def listed(tensor: Tensor) -> list[Any]:
    """The values of a tensor, also within ``torch.func.grad``, where older versions of torch read none."""
    tensor = without_gradients(tensor)
    with torch._C._DisableFuncTorch():
        values: list[Any] = tensor.tolist()
    return values


def is_recording() -> bool:
    """Whether ``make_fx`` or ``torch.jit.trace`` records operations, and with them any number of pieces."""
    if torch.compiler.is_compiling():  # which may split batches, and cannot trace the question
        return False
    return torch._C._get_tracing_state() is not None or get_proxy_mode() is not None


def is_mapping() -> bool:
    """Whether ``torch.vmap`` is at work."""
    transforms = get_interpreter_stack() or ()
    return any(transform.key() == TransformType.Vmap for transform in transforms)


def is_differentiating(*tensors: Tensor) -> bool:
    """Whether results computed from these tensors may be differentiated, in reverse or forward mode."""
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        return True
    return forward_ad._current_level >= 0 or torch._C._are_functorch_transforms_active()
