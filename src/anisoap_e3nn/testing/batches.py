"""Batches against their frames one by one."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..data.batches import iterate_batches
from .comparison import Comparison, scales_of
from .moves import part_of
from .results import Results, results_of


def check_batches(
    model: Callable[[Any], Tensor], frames: Sequence[Any], *, tolerance: float = 1e-12
) -> float:
    """Check that a batch gives what its frames give one by one, in any order.

    A frame of one particle and a frame of none, cut out of the first frame, are added to the batch.

    Parameters
    ----------
    model : Module or function
        From data to energies of the particles ``(N,)``, of which
        :func:`~anisoap_e3nn.potentials.mechanics` are compared, or to features ``(N, dim)``.
    frames : sequence of EllipsoidData
        One or more, with the same fields; of several sizes and cells to check for more. In float64 for the
        default tolerance.
    tolerance : float
        Largest deviation, relative to the largest value of the quantity, and at least to a thousandth of the
        largest value of all.

    Returns
    -------
    float
        Largest deviation of any frame.

    Raises
    ------
    AssertionError
        If a deviation exceeds the tolerance, with the quantity and its index; or if the model fails for a
        frame of one particle or none.
    ValueError
        Without frames.

    Examples
    --------
    >>> from anisoap_e3nn.gay_berne import gay_berne_pairs, triaxial_gay_berne
    >>> frames, _, _ = gay_berne_pairs(sizes=(3, 0, 0), dtype=torch.float64)
    >>> check_batches(triaxial_gay_berne(cutoff=5.0), frames) < 1e-12
    True
    >>> check_batches(lambda data: data.pos.norm(dim=1) / len(data.pos), frames)
    Traceback (most recent call last):
    AssertionError: in a batch, energy[0] is ...
    """
    if not frames:
        raise ValueError("expected one or more frames, found none")
    alone, empty = (
        part_of(frames[0], particles) for particles in ([0][: len(frames[0].types)], [])
    )
    members = [frames[0], empty, *frames[1:], alone]
    results = [results_of(model, frame) for frame in frames]
    results.insert(1, _results_of_few(model, empty, "no particles"))
    results.append(_results_of_few(model, alone, "one particle"))
    comparison = Comparison(tolerance)
    for occasion, step in (("in a batch", 1), ("in a batch in reverse order", -1)):
        (batch,) = iterate_batches(members[::step], len(members))
        found = results_of(model, batch)
        expected = {name: torch.cat([x[name] for x in results[::step]]) for name in found}
        comparison.results(found, expected, occasion, scales=scales_of(expected))
    return comparison.largest


def _results_of_few(model: Callable[[Any], Tensor], frame: Any, what: str) -> Results:
    try:
        return results_of(model, frame)
    except Exception as error:
        raise AssertionError(
            f"for a frame of {what}, the model fails: {type(error).__name__}: {error}"
        ) from error
