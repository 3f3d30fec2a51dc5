"""Single precision against double precision."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .comparison import Comparison
from .moves import replaced
from .results import results_of


def check_precision(model: Callable[[Any], Tensor], data: Any, *, tolerance: float = 1e-4) -> float:
    """Check that results in float32 agree with those in float64, and that no dtype changes on the way.

    Parameters
    ----------
    model : Module or function
        As for :func:`check_batches`. A module is copied, and left as it is.
    data : EllipsoidData or a Batch of them
        In either precision.
    tolerance : float
        Largest deviation, measured as by :func:`check_batches`.

    Returns
    -------
    float
        Largest deviation of single from double precision.

    Raises
    ------
    AssertionError
        If a result has another dtype than the data and the model, or a deviation exceeds the tolerance, with
        the quantity and its index.

    Examples
    --------
    >>> from anisoap_e3nn.gay_berne import gay_berne_pairs, triaxial_gay_berne
    >>> (pair,), _, _ = gay_berne_pairs(sizes=(1, 0, 0))
    >>> check_precision(triaxial_gay_berne(cutoff=5.0), pair) < 1e-4
    True
    >>> check_precision(lambda data: data.pos[:, 0].double(), pair)
    Traceback (most recent call last):
    AssertionError: in torch.float32, the dtype of energy is torch.float64, expected torch.float32
    """
    single = _as(data, torch.float32)  # first, so that both see the same numbers
    results = {}
    for dtype in (torch.float32, torch.float64):
        in_dtype = copy.deepcopy(model).to(dtype) if isinstance(model, torch.nn.Module) else model
        results[dtype] = results_of(in_dtype, _as(single, dtype))
        for name, values in results[dtype].items():
            if values.dtype != dtype:
                raise AssertionError(
                    f"in {dtype}, the dtype of {name} is {values.dtype}, expected {dtype}"
                )
    comparison = Comparison(tolerance)
    comparison.results(results[torch.float32], results[torch.float64], "in single precision")
    return comparison.largest


def _as(data: Any, dtype: torch.dtype) -> Any:
    fields = {
        name: x.to(dtype)
        for name, x in data.to_dict().items()
        if isinstance(x, Tensor) and x.is_floating_point() and name != "edge_cutoff"
    }
    return replaced(data, **fields)
