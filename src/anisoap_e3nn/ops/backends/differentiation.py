"""Derivatives of the native backend's operations, in reverse and forward mode and in nestings of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch._functorch.utils import enable_single_level_autograd_function
from torch.autograd import forward_ad
from torch.autograd.function import _SingleLevelFunction

Tensors = Sequence[Tensor | None]
_library = torch.library.Library("anisoap_e3nn", "FRAGMENT")


def register_derivatives(
    operation: Any,
    backward: Callable[[Sequence[Any], Tensors, Sequence[bool]], Tensors],
    jvp: Callable[[Sequence[Any], Tensors], Any],
) -> None:
    """Register the rules by which autograd and ``torch.func`` differentiate an operation.

    They replace ``operation.register_autograd``, which loses tangents of forward mode without a word and
    does not work in ``torch.func``. Like the rules of torch's own operations, they are called once for each
    level of nested transforms, and operations in them are differentiated in turn.

    Parameters
    ----------
    operation : CustomOpDef
    backward : ``backward(inputs, cotangents, needed)``
        Returns the cotangents of all inputs, None where there is none. `cotangents` are those of the
        outputs, None for zeros, and not all are None. `needed` says which inputs need cotangents.
    jvp : ``jvp(inputs, tangents)``
        Returns the tangents of the outputs. `tangents` are those of the inputs, None for zeros, and not all
        are None.
    """
    overload = operation._opoverload

    def run(keyset: Any, *inputs: Any) -> Any:
        with torch._C._AutoDispatchBelowAutograd():
            return overload.redispatch(keyset & torch._C._after_autograd_keyset, *inputs)

    class Rules(_SingleLevelFunction):
        @staticmethod
        def forward(*arguments: Any) -> Any:
            *inputs, (keyset, modes) = arguments
            with modes:
                return run(keyset, *inputs)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
            tensors = [value for value in inputs if isinstance(value, Tensor)]
            ctx.save_for_backward(*tensors)
            ctx.save_for_forward(*tensors)
            ctx.others = [None if isinstance(value, Tensor) else value for value in inputs[:-1]]
            ctx.is_tensor = [isinstance(value, Tensor) for value in inputs[:-1]]
            ctx.set_materialize_grads(False)

        @staticmethod
        def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Tensor | None, ...]:
            if all(cotangent is None for cotangent in cotangents):
                return (None,) * len(ctx.needs_input_grad)
            return (*backward(_saved(ctx), cotangents, _needed(ctx)), None)

        @staticmethod
        def jvp(ctx: Any, *tangents: Tensor | None) -> Any:
            # The tangents of outer levels go on: only those of this level are taken off.
            with forward_ad._set_fwd_grad_enabled(True):
                inputs = [
                    torch._VF._unpack_dual(value, level=0)[0]
                    if isinstance(value, Tensor)
                    else value
                    for value in _saved(ctx)
                ]
                return jvp(inputs, tangents[:-1])

    Rules.__name__ = Rules.__qualname__ = f"{overload._opname}_rules"  # the name of grad_fn
    apply: Callable[..., Any] = Rules.apply  # type: ignore[attr-defined]

    def kernel(keyset: Any, *inputs: Any) -> Any:
        transformed = torch._C._are_functorch_transforms_active()
        reverse = torch.is_grad_enabled()
        forward = torch._C._is_fwd_grad_enabled() and (transformed or _may_have_tangents())
        if not forward and not (reverse and any(map(_requires_grad, inputs))):
            return run(keyset, *inputs)
        if not transformed:
            return apply(*inputs, (keyset, nullcontext()))
        with enable_single_level_autograd_function():
            return apply(*inputs, (keyset, _modes(reverse, forward)))

    for key in ("AutogradCPU", "AutogradCUDA"):
        _library.impl(overload._opname, kernel, key, with_keyset=True)


def _needed(ctx: Any) -> list[bool]:
    """Which inputs need cotangents: of those that require grad, those that this call of autograd asks for."""
    nodes = iter(ctx.next_functions)  # of the tensors
    flags = zip(ctx.needs_input_grad, ctx.is_tensor, strict=False)
    return [is_tensor and _is_asked_for(next(nodes)[0]) and needed for needed, is_tensor in flags]


def _is_asked_for(node: Any) -> bool:
    """Whether the cotangent of a node is computed in this call; of leaves torch does not tell."""
    is_leaf = node is None or all(before is None for before, _ in node.next_functions)
    return is_leaf or bool(torch._C._will_engine_execute_node(node))


def _requires_grad(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _may_have_tangents() -> bool:
    # Compiled programs enter the level of forward mode past Python; they are traced in a dispatch mode.
    return forward_ad._current_level >= 0 or torch._C._len_torch_dispatch_stack() > 0


def _saved(ctx: Any) -> list[Any]:
    tensors = iter(ctx.saved_tensors)
    return [
        next(tensors) if is_tensor else value
        for is_tensor, value in zip(ctx.is_tensor, ctx.others, strict=True)
    ]


@contextmanager
def _modes(reverse: bool, forward: bool) -> Iterator[None]:
    """Restore the modes for the outer levels of nested transforms; ``apply`` switches them off."""
    with torch.set_grad_enabled(reverse), forward_ad._set_fwd_grad_enabled(forward):
        yield
