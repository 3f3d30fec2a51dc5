"""Triton kernels made from source text, and whether Triton can be used here.

Triton comes with torch for CUDA and is no dependency, so it is imported when a kernel is first needed.
"""

import linecache
import os
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from hashlib import sha256
from importlib import metadata
from typing import Any

import torch

_OLDEST = (3, 6)


def _why_not() -> str:
    try:
        version = metadata.version("triton")
    except metadata.PackageNotFoundError:
        return "triton is not installed"
    if tuple(map(int, version.split(".")[:2])) < _OLDEST:
        return f"triton is {version}, expected 3.6 or newer"
    return "" if torch.version.hip is None else "this torch is for AMD's GPUs"


unavailable = _why_not()  # in words
FUSED: dict[str, Any] = {"enable_fp_fusion": True}  # of launches: a * b + c in one instruction
ONE_WARP = {"num_warps": 1, **FUSED}
interpreted = os.environ.get("TRITON_INTERPRET") == "1" and not unavailable  # on the CPU, for tests


def kernel_from(text: str, name: str, **names: Any) -> Any:
    """The function ``kernel`` that a text defines, for Triton to compile when it is first called.

    Parameters
    ----------
    text : str
    name : str
        Name of the text in tracebacks, one for each text. Triton reads the text again under this name.
    **names
        What the text may use, besides ``triton`` and ``tl``.
    """
    import triton
    import triton.language

    file = f"<anisoap_e3nn: {name}>"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    namespace = {"triton": triton, "tl": triton.language, "__name__": f"{__name__}.{name}", **names}
    exec(compile(text, file, "exec"), namespace)
    return namespace["kernel"]


@cache
def kernel_of_kind(kind: str, text: str) -> Any:
    """The same for texts that follow from plans, one kernel for each text."""
    return kernel_from(text, f"{kind} {sha256(text.encode()).hexdigest()[:16]}")


def on(device: torch.device) -> AbstractContextManager[Any]:
    """Launch kernels on this device."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()
