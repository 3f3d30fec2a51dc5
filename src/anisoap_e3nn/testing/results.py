"""Results of a model, by name."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..potentials import cutoff_of, mechanics

Results = dict[str, Tensor]


def output_of(model: Callable[[Any], Tensor], data: Any) -> Tensor:
    """What a model returns for the data, with neighbours up to its cutoff.

    Parameters
    ----------
    model : Module or function
        From data to a tensor. Without a cutoff it gets the data as they are.
    data : EllipsoidData or a Batch of them

    """
    if (cutoff := cutoff_of(model)) is not None:
        data = data.with_edges(cutoff)
    return model(data)


def results_of(model: Callable[[Any], Tensor], data: Any) -> Results:
    """Fields of :class:`~anisoap_e3nn.potentials.Mechanics`, or `features`, of a model.

    Parameters
    ----------
    model : Module or function
        From data to energies of the particles ``(N,)``, or to features ``(N, dim)``.
    data : EllipsoidData or a Batch of them

    Returns
    -------
    dict of Tensor
        Without graphs.
    """
    with torch.no_grad():
        output = output_of(model, data)
    return {"features": output} if output.dim() > 1 else mechanics(model, data)._asdict()


def gradients_of(model: torch.nn.Module, *results: Tensor) -> Results:
    """Gradients of a loss on results, zeros among them, by the names of the parameters that require grad."""
    parameters = {name: x for name, x in model.named_parameters() if x.requires_grad}
    loss = torch.stack([x.square().sum() + x.sum() for x in results]).sum()
    if not parameters or not loss.requires_grad:
        return {name: torch.zeros_like(x) for name, x in parameters.items()}
    gradients = torch.autograd.grad(loss, list(parameters.values()), materialize_grads=True)
    return dict(zip(parameters, gradients, strict=True))


def random_numbers(generator: torch.Generator | None) -> torch.Generator:
    """The generator, or a new one whose numbers are the same every time."""
    return torch.Generator().manual_seed(0) if generator is None else generator
