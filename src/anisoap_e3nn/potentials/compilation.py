"""Mechanics compiled whole, and energies as programs of their own."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..graph import reaches_of_edges
from .configuration import cutoff_of
from .mechanics import differentiable, mechanics
from .potential import Mechanics


def compile_mechanics(
    model: torch.nn.Module,
    *,
    body_frame: bool = False,
    create_graph: bool = False,
    **options: Any,
) -> Callable[[Any], Mechanics]:
    """:func:`~anisoap_e3nn.potentials.mechanics` of a model by ``torch.compile``, derivatives included.

    Energy, forces, torques and virial become one graph without breaks, and with `create_graph` one
    that can be differentiated, so that a loss on them trains the model: its parameters stay where they are.
    (To compile the model alone does not do: what ``torch.compile`` returns can be differentiated once, not
    twice.) One compilation serves batches of any sizes; more follow where there is one frame, one particle
    or no edge, and for orientations in the other spelling.

    Parameters
    ----------
    model : Module
        From data to energies of the particles ``(N,)``. It may read any tensors of the data, as
        attributes, but nothing else of them.
    body_frame, create_graph : bool
        As for :func:`~anisoap_e3nn.potentials.mechanics`.
    **options
        For ``torch.compile``, such as `backend` or `mode`.

    Returns
    -------
    function
        From data to :class:`~anisoap_e3nn.potentials.Mechanics`. Neighbours are searched for outside of the
        graph, unless the data have them.

    Raises
    ------
    RuntimeError
        With torch before 2.13, whose compiler cannot do it.

    Examples
    --------
    A step of training, ``model`` and ``batch`` being given::

        evaluate = compile_mechanics(model, create_graph=True)
        result = evaluate(batch)
        loss = (result.forces - batch.forces).square().mean()
        loss.backward()
    """
    if torch.__version__ < "2.13":
        raise RuntimeError(
            f"torch {torch.__version__} cannot compile torch.autograd.grad; use torch 2.13 or newer, or "
            "mechanics, which needs no compiler"
        )
    from torch import _dynamo as dynamo  # takes seconds to import

    def of_tensors(tensors: dict[str, Tensor]) -> Mechanics:
        data = _Attributes(tensors)
        return mechanics(model, data, body_frame=body_frame, create_graph=create_graph)

    # each model has graphs of its own, though all share this function
    options |= {"fullgraph": True, "isolate_recompiles": True, "recompile_limit": 32}
    compiled = torch.compile(of_tensors, **options)

    def evaluate(data: Any) -> Mechanics:
        tensors = graph_tensors(model, data)
        for name in ("pos", "orientations", "cell"):
            tensors[name] = differentiable(tensors[name])  # a graph cannot start to require grad
        for name, tensor in tensors.items():
            for dimension in _varying_dimensions(name, tensor):
                dynamo.maybe_mark_dynamic(tensor, dimension)
        with torch.enable_grad(), dynamo.config.patch(trace_autograd_ops=True):
            result: Mechanics = compiled(tensors)
        return result

    return evaluate


def export_energy(model: torch.nn.Module, data: Any) -> torch.export.ExportedProgram:
    """The energies of a model as a ``torch.export`` program.

    It can be saved, and runs without the code of the model; import this package for its kernel's sake.

    Parameters
    ----------
    model : Module
        From data to energies of the particles ``(N,)``.
    data : EllipsoidData or a Batch of them
        An example. What it has two or more of, particles, edges or frames, the program takes any number of.

    Returns
    -------
    torch.export.ExportedProgram
        From :func:`graph_tensors` to energies ``(N,)``, differentiable as the model is.
    """
    tensors = graph_tensors(model, data)
    shapes = {
        name: {d: torch.export.Dim.AUTO for d in _varying_dimensions(name, x) if x.shape[d] > 1}
        for name, x in tensors.items()
    }
    return torch.export.export(
        _EnergyOfTensors(model), (tensors,), dynamic_shapes=(shapes,), strict=True
    )


def graph_tensors(model: torch.nn.Module, data: Any) -> dict[str, Tensor]:
    """The tensors of the data by name, neighbours and `batch` included.

    Parameters
    ----------
    model : Module
        Neighbours are searched for up to its cutoff, else the largest of its embeddings.
    data : EllipsoidData or a Batch of them
        Left as it is; `edge_index`, if it has one, is taken from it.

    Returns
    -------
    dict of Tensor

    Raises
    ------
    ValueError
        For neighbours found with a cutoff shorter than the model's.
    """
    if (cutoff := cutoff_of(model)) is not None:
        if getattr(data, "edge_index", None) is None:
            data = data.with_edges(cutoff)
        reaches_of_edges(data, cutoff)  # a graph cannot look at their values, so do it here
    tensors = {name: x for name, x in data.to_dict().items() if isinstance(x, Tensor)}
    tensors.setdefault("batch", torch.zeros_like(data.types))
    tensors.pop("ptr", None)
    tensors.pop("edge_cutoff", None)
    return tensors


class _Attributes:
    """Tensors as attributes; unlike PyTorch Geometric's data, compilers can trace it."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self.__dict__.update(tensors)


class _EnergyOfTensors(torch.nn.Module):
    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tensors: dict[str, Tensor]) -> Tensor:
        energies: Tensor = self.model(_Attributes(tensors))
        return energies


def _varying_dimensions(name: str, tensor: Tensor) -> range:
    """The dimension that counts particles, edges or frames, if there is one."""
    return range(1, 2) if name == "edge_index" else range(min(tensor.dim(), 1))
