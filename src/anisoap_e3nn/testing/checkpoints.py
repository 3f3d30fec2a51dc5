"""Models against what their checkpoints give back."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from ..potentials import load_model, save_model
from .comparison import Comparison
from .results import gradients_of, output_of, results_of


def check_checkpoint(
    model: torch.nn.Module,
    data: Any,
    folder: str | PathLike[str] | None = None,
    *,
    allow: Sequence[type] = (),
) -> float:
    """Check that :func:`~anisoap_e3nn.potentials.save_model` and ``load_model`` give the same model back.

    That is a model of the same class and ``repr``, with the same parameters, results to the last bit, and
    gradients, so that training can go on.

    Parameters
    ----------
    model : Module
        From data to energies of the particles ``(N,)``, or to features ``(N, dim)``; on the CPU.
    data : EllipsoidData or a Batch of them
        In the model's dtype.
    folder : str or PathLike, optional
        Where to put the file, which is removed again; by default the folder for temporary files.
    allow : sequence of type
        As for :func:`~anisoap_e3nn.potentials.save_model`.

    Returns
    -------
    float
        0, since nothing may deviate.

    Raises
    ------
    AssertionError
        If anything differs.
    TypeError, ValueError
        For models that cannot be saved, or loaded again.

    Examples
    --------
    >>> from anisoap_e3nn.gay_berne import gay_berne_pairs
    >>> from anisoap_e3nn.potentials import PairPotential
    >>> (pair,), _, _ = gay_berne_pairs(sizes=(1, 0, 0))
    >>> check_checkpoint(PairPotential([0], cutoff=4.0), pair)
    0.0
    """
    with TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "model.pt"
        save_model(model, path, allow=allow)
        loaded = load_model(path, allow=allow)
    for what, found, expected in (
        ("class", type(loaded), type(model)),
        ("repr", repr(loaded), repr(model)),
        *((f"parameter {name!r}", *pair) for name, pair in _parameters(loaded, model).items()),
    ):
        if found != expected:
            raise AssertionError(f"loaded again, the model has {what} {found}, expected {expected}")
    loaded.train(model.training)
    comparison = Comparison(0.0)
    comparison.results(results_of(loaded, data), results_of(model, data), "loaded again")
    after, before = (gradients_of(x, output_of(x, data)) for x in (loaded, model))
    comparison.results(after, before, "loaded again, and differentiated by parameters")
    return comparison.largest


def _parameters(*models: torch.nn.Module) -> dict[str, list[str | None]]:
    """Descriptions of all parameters in each model, by name; None where a model lacks it."""
    described = [
        {
            name: f"{tuple(x.shape)} {x.dtype}{'' if x.requires_grad else ', frozen'}"
            for name, x in model.named_parameters()
        }
        for model in models
    ]
    names = dict.fromkeys(name for each in described for name in each)
    return {name: [each.get(name) for each in described] for name in names}
