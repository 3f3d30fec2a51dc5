"""Whether the values of tensors may be looked at."""

import torch
from torch.fx.experimental.proxy_tensor import get_proxy_mode


def is_tracing() -> bool:
    """Whether a tracer is at work: ``torch.compile``, ``torch.export``, ``make_fx`` or ``torch.jit.trace``.

    Code that reads values of tensors, or makes shapes of them, breaks the graph of a tracer or freezes the
    values into it. Checks of inputs are therefore left out while one is at work.
    """
    if torch.compiler.is_compiling():
        return True
    return torch._C._get_tracing_state() is not None or get_proxy_mode() is not None
