"""Compiled mechanics, and exported energies."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..data.mechanics import Mechanics
from ..graph import known_edge_cutoffs
from .configuration import cutoff_of
from .mechanics import differentiable, mechanics


def compile_mechanics(
    model: torch.nn.Module,
    *,
    body_frame: bool = False,
    create_graph: bool = False,
    **options: Any,
) -> Callable[[Any], Mechanics]:
    """Compile :func:`~anisoap_e3nn.potentials.mechanics` of a model, derivatives included.

    Energy, forces, torques and virial become one graph of ``torch.compile`` without breaks. With
    `create_graph` the result can be differentiated again, so a loss on it trains the model's parameters.
    (Compiling the model alone does not suffice, since compiled functions can be differentiated only once.)
    One compilation serves batches of any size. Single frames, single particles, frames without edges, and
    rotation matrices instead of quaternions lead to further compilations.

    Parameters
    ----------
    model : Module
        From data to energies of the particles ``(N,)``. It may read only tensors of the data, as attributes.
    body_frame, create_graph : bool
        As for :func:`~anisoap_e3nn.potentials.mechanics`.
    **options
        Options of ``torch.compile``, such as `backend` or `mode`.

    Returns
    -------
    function
        From data to :class:`~anisoap_e3nn.potentials.Mechanics`. Neighbours are searched outside of the
        graph, unless the data have edges.

    Raises
    ------
    RuntimeError
        If torch is older than 2.13, which cannot compile ``torch.autograd.grad``.

    Examples
    --------
    A training step with a given ``model`` and ``batch``::

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
        data = TensorAttributes(tensors)
        return mechanics(model, data, body_frame=body_frame, create_graph=create_graph)

    # separate graphs for each model, though all models share this function
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
    """Export the energies of a model as a ``torch.export`` program.

    The program can be saved, and runs without the code of the model. It needs an import of this package, for
    its kernels.

    Parameters
    ----------
    model : Module
        From data to energies of the particles ``(N,)``.
    data : EllipsoidData or a Batch of them
        Example input. The program accepts any number of particles, edges or frames if the example has at
        least two.

    Returns
    -------
    torch.export.ExportedProgram
        From :func:`graph_tensors` to energies ``(N,)``, as differentiable as the model.
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
    """Inputs of an exported or compiled model: tensors by name, edges and `batch` included.

    Parameters
    ----------
    model : Module
        Model with a `cutoff`, or with potentials or embeddings, whose largest cutoff is used.
    data : EllipsoidData or a Batch of them
        Data, not modified. Without `edge_index`, neighbours are searched up to the cutoff.

    Returns
    -------
    dict of Tensor

    Raises
    ------
    ValueError
        If the data's own edges were found with a smaller cutoff.
    """
    if (cutoff := cutoff_of(model)) is not None:
        if getattr(data, "edge_index", None) is None:
            data = data.with_edges(cutoff)
        known_edge_cutoffs(data, cutoff)  # checked here, since a traced graph cannot read values
    tensors = {name: x for name, x in data.to_dict().items() if isinstance(x, Tensor)}
    tensors.setdefault("batch", torch.zeros_like(data.types))
    tensors.pop("ptr", None)
    tensors.pop("edge_cutoff", None)
    return tensors


class TensorAttributes:
    """Tensors as attributes. Unlike the data of PyTorch Geometric, compilers can trace them."""

    batch: Tensor | None

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self.__dict__.update(tensors)


class _EnergyOfTensors(torch.nn.Module):
    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tensors: dict[str, Tensor]) -> Tensor:
        energies: Tensor = self.model(TensorAttributes(tensors))
        return energies


def _varying_dimensions(name: str, tensor: Tensor) -> range:
    """Dimension of particles, edges or frames; empty if there is none."""
    return range(1, 2) if name == "edge_index" else range(min(tensor.dim(), 1))
