"""Base class of the layers: their precision and their constants."""

from collections.abc import Callable
from functools import wraps
from itertools import chain
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Self

from .precision import without_autocast


class Layer(torch.nn.Module):
    """A module that computes in its own dtype, and whose constants are never lost.

    - `forward` runs with ``torch.autocast`` switched off, in float32 or float64. Other dtypes are refused.
    - Constants (:meth:`register_constant`) keep their digits through ``.float().double()``, and their values
      through ``to_empty``.
    - Inside ``torch.device("meta")`` constants are made on the CPU. Parameters and other buffers are on the
      meta device, until ``to_empty`` or ``load_state_dict(assign=True)``.

    Subclasses are written like any other module.

    Examples
    --------
    >>> class Scaled(Layer):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.register_constant("third", torch.tensor(1 / 3, dtype=torch.float64))
    ...
    ...     def forward(self, x):
    ...         return self.third * x
    >>> scaled = Scaled().float().double()
    >>> scaled(torch.tensor(3.0, dtype=torch.float64)).item()
    1.0
    >>> scaled.half()(torch.tensor(3.0))
    Traceback (most recent call last):
        ...
    TypeError: Scaled is torch.float16, expected torch.float32 or torch.float64; use .float() or .double()
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            cls.__init__ = _off_meta(vars(cls)["__init__"])  # type: ignore[method-assign]
        if "forward" in vars(cls):
            cls.forward = _in_full_precision(vars(cls)["forward"])

    def register_constant(self, name: str, values: Tensor) -> None:
        """Register a buffer that no checkpoint holds.

        Parameters
        ----------
        name : str
        values : Tensor
            float64 or integers. The buffer has torch's default dtype instead of float64.
        """
        constants: dict[str, Tensor] = self.__dict__.setdefault("_constants", {})
        constants[name] = values
        floating = values.is_floating_point()
        buffer = values.to(torch.get_default_dtype() if floating else values.dtype)
        self.register_buffer(name, buffer, persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)
        for name, values in self.__dict__.get("_constants", {}).items():
            if (buffer := self._buffers[name]) is not None:
                # first to its dtype, since Apple's GPUs have no float64
                self._buffers[name] = values.to(buffer.dtype).to(buffer.device)
        return self


def _in_full_precision(forward: Callable[..., Any]) -> Callable[..., Any]:
    in_own_dtype = without_autocast(forward)

    @wraps(forward)
    def checked(self: Layer, *args: Any, **kwargs: Any) -> Any:
        if not torch.compiler.is_compiling():
            _refuse_other_dtypes(self)
        return in_own_dtype(self, *args, **kwargs)

    return checked


def _refuse_other_dtypes(layer: Layer) -> None:
    for tensor in chain(layer._parameters.values(), layer._buffers.values()):
        if tensor is None or tensor.dtype in (torch.float32, torch.float64):
            continue
        if tensor.is_floating_point() or tensor.is_complex():
            raise TypeError(
                f"{type(layer).__name__} is {tensor.dtype}, expected torch.float32 or torch.float64; use "
                ".float() or .double()"
            )


def _off_meta(init: Callable[..., None]) -> Callable[..., None]:
    """Constructor that makes constants on the CPU inside ``torch.device("meta")``."""

    @wraps(init)
    def constructor(self: Layer, *args: Any, **kwargs: Any) -> None:
        if torch.get_default_device().type != "meta":
            return init(self, *args, **kwargs)
        with torch.device("cpu"):
            init(self, *args, **kwargs)
        for module in self.modules():
            for name, parameter in module._parameters.items():
                if parameter is not None:
                    moved = torch.nn.Parameter(parameter.to("meta"), parameter.requires_grad)
                    module._parameters[name] = moved
            for name, buffer in module._buffers.items():
                if buffer is not None and name not in module._non_persistent_buffers_set:
                    module._buffers[name] = buffer.to("meta")
        return None

    return constructor
