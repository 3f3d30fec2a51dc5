"""Brute-force search in C++ for small frames, where calls into NumPy take longer than the search."""

from contextlib import suppress
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_native: Any = None
with suppress(ImportError):  # NumPy serves then, and the backends of the kernels say so
    _native = import_module("anisoap_e3nn._native")


def small_frame_edges(
    points: Reals, types: Integers, cutoff: float, cell: Reals, periodic: Mask
) -> tuple[Integers, Reals] | None:
    """Edges and shifts as of :func:`~anisoap_e3nn.graph.images.brute_force_edges`, or None.

    None for frames of more than a few hundred particles or images, for frames periodic along one or two
    axes, where lengths are unusual, and without the extension.
    """
    if _native is None or len(points) > 500 or (periodic.any() and not periodic.all()):
        return None
    given = np.ascontiguousarray(cell, np.float64) if periodic.any() else None
    found: tuple[Integers, Reals] | None = _native.image_search(
        np.ascontiguousarray(points, np.float64), types.astype(np.int64, copy=False), cutoff, given
    )
    return found
