"""Compiled models against the models themselves."""

from typing import Any

import torch

from ..potentials import compile_mechanics, mechanics
from .comparison import Comparison
from .results import gradients_of


def check_compilation(
    model: torch.nn.Module,
    data: Any,
    *,
    create_graph: bool = False,
    tolerance: float = 1e-10,
    **options: Any,
) -> float:
    """Check that :func:`~anisoap_e3nn.potentials.compile_mechanics` changes no result of a model.

    It needs torch 2.13 or newer.

    Parameters
    ----------
    model : Module
        From data to energies of the particles ``(N,)``.
    data : EllipsoidData or a Batch of them
        In float64 for the default tolerance.
    create_graph : bool
        Whether to compare the gradients of a loss on all results too, with respect to the parameters.
    tolerance : float
        Largest deviation, relative to the largest value of the quantity, and at least to a thousandth of the
        largest value of all.
    **options
        For ``torch.compile``; by default `backend` is "aot_eager", which does all but generate code, and
        needs no C++ compiler.

    Returns
    -------
    float
        Largest deviation of the compiled results.

    Raises
    ------
    AssertionError
        If a deviation exceeds the tolerance, with the quantity and its index.
    RuntimeError
        With torch before 2.13, and where the compiler finds no single graph.

    Examples
    --------
    ``model`` and ``batch`` being given, since a compilation takes seconds::

        check_compilation(model, batch, create_graph=True)
    """
    options = {"backend": "aot_eager"} | options
    evaluate = compile_mechanics(model, create_graph=create_graph, **options)
    comparison = Comparison(tolerance)
    found, expected = evaluate(data), mechanics(model, data, create_graph=create_graph)
    comparison.results(found._asdict(), expected._asdict(), "compiled")
    if create_graph:
        after, before = (gradients_of(model, *result) for result in (found, expected))
        comparison.results(after, before, "compiled, and differentiated by parameters")
    return comparison.largest
