"""Backend ``triton`` for Gaussian moments: the operations of :mod:`.native` on NVIDIA GPUs."""

from importlib import import_module
from typing import Any

from torch import Tensor

from ..moment_inputs import MomentInputs
from . import native, reference
from .triton_source import interpreted

_HIGHEST_DEGREE = (
    20  # factors of scaled moments, up to the factorial, are within the range of float32
)


def gaussian_moments(inputs: MomentInputs) -> Tensor:
    """See :func:`anisoap_e3nn.ops.gaussian_moments`. The torch backend serves for degrees above 20."""
    if inputs.degree > _HIGHEST_DEGREE:
        return reference.gaussian_moments(inputs)
    return native.gaussian_moments(inputs)


def moments(*arguments: Any) -> Tensor:
    """See :func:`.native.moments`."""
    result: Tensor = _kernels().moments(MomentInputs(*arguments))
    return result


def backward(cotangent: Tensor, *arguments: Any) -> native.FourTensors:
    """See :func:`.native.backward`."""
    *fields, of_particles = arguments
    result: native.FourTensors = _kernels().backward(cotangent, MomentInputs(*fields), of_particles)
    return result


def double_backward(*arguments: Any) -> native.FiveTensors:
    """See :func:`.native.double_backward`."""
    cotangent, *fields, of_particles = arguments[4:]
    inputs = MomentInputs(*fields)
    result: native.FiveTensors = _kernels().double_backward(
        arguments[:4], cotangent, inputs, of_particles
    )
    return result


def _kernels() -> Any:
    return import_module(f"{__package__}.moment_kernels")


for _device in ("cuda", "cpu") if interpreted else ("cuda",):
    native.moments.register_kernel(_device)(moments)
    native.backward.register_kernel(_device)(backward)
    native.double_backward.register_kernel(_device)(double_backward)
