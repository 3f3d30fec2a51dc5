"""Gradients with respect to parameters, for training on forces and torques."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..potentials import Mechanics, mechanics
from .comparison import Comparison
from .results import random_numbers

_SMALLEST_SHARE = 1e-3


def check_gradients(
    model: torch.nn.Module,
    data: Any,
    *,
    step: float = 1e-5,
    tolerance: float = 1e-6,
    generator: torch.Generator | None = None,
) -> float:
    r"""Check that a loss on energies, forces, torques and virial trains all parameters.

    .. math::
        L(\theta) = \sum_y a_y \cdot y(\theta), \qquad
        \frac{\partial L}{\partial \theta} \cdot u = \frac{L(\theta + h u) - L(\theta - h u)}{2 h}

    with random weights a of the results y, a random direction u of all parameters, and the step h.

    Parameters
    ----------
    model : Module
        From data to energies of the particles ``(N,)``.
    data : EllipsoidData or a Batch of them
        Of all types that the model has parameters for; in float64 for the default tolerance.
    step : float
        h, in units of the parameters.
    tolerance : float
        Largest deviation of the derivative of L, relative to the norm of its gradient.
    generator : torch.Generator, optional
        Of a and u; by default they are the same every time.

    Returns
    -------
    float
        Deviation.

    Raises
    ------
    AssertionError
        For parameters that no gradient reaches, or none that is finite, by name; and if the deviation exceeds
        the tolerance.
    ValueError
        For models without parameters that require grad.

    Examples
    --------
    >>> from anisoap_e3nn.gay_berne import gay_berne_pairs
    >>> from anisoap_e3nn.potentials import PairPotential
    >>> (pair,), _, _ = gay_berne_pairs(sizes=(1, 0, 0), dtype=torch.float64)
    >>> check_gradients(PairPotential([0], cutoff=4.0, n_radial=3, max_degree=2).double(), pair) < 1e-6
    True
    """
    random = random_numbers(generator)
    parameters = {name: x for name, x in model.named_parameters() if x.requires_grad}
    if not parameters:
        raise ValueError("the model has no parameters that require grad")
    result = mechanics(model, data, create_graph=True)
    weights = [_normal(x, random) for x in result]
    gradients = _gradients(_loss(result, weights), parameters)
    directions = {name: _normal(x, random) for name, x in parameters.items()}
    up, down = (
        _loss(mechanics(_stepped(model, directions, s * step), data), weights) for s in (1, -1)
    )
    found = torch.stack([(gradients[k] * u).sum() for k, u in directions.items()]).sum()
    norm = torch.stack([x.square().sum() for x in gradients.values()]).sum().sqrt()
    terms = torch.stack([(a * x).abs().sum() for a, x in zip(weights, result, strict=True)]).sum()
    scale = max(float(norm), _SMALLEST_SHARE * float(terms.detach()))
    comparison = Comparison(tolerance)
    occasion = "along a random direction of the parameters"
    comparison.tensors("derivative", found[None], ((up - down) / (2 * step))[None], scale, occasion)
    return comparison.largest


def _loss(result: Mechanics, weights: list[Tensor]) -> Tensor:
    return torch.stack([(a * x).sum() for a, x in zip(weights, result, strict=True)]).sum()


def _gradients(loss: Tensor, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found: tuple[Tensor | None, ...] = (None,) * len(parameters)
    if loss.requires_grad:
        found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    gradients = dict(zip(parameters, found, strict=True))
    if missing := [name for name, x in gradients.items() if x is None]:
        raise AssertionError(
            f"no gradient reaches {missing}: are they detached, or used only for types that the data lack?"
        )
    some = {name: x for name, x in gradients.items() if x is not None}
    if infinite := [name for name, x in some.items() if not x.isfinite().all()]:
        raise AssertionError(
            f"gradients of {infinite} are not finite: is there a norm or root of something that is zero?"
        )
    return some


def _stepped(model: torch.nn.Module, directions: dict[str, Tensor], step: float) -> torch.nn.Module:
    model = copy.deepcopy(model)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in directions:
                parameter.add_(directions[name], alpha=step)
    return model


def _normal(like: Tensor, random: torch.Generator) -> Tensor:
    numbers = torch.randn(like.shape, dtype=torch.float64, generator=random)
    return numbers.to(like.detach())
