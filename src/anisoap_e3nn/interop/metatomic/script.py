"""Functions of tensors as TorchScript, with any number of particles and edges."""

import operator
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.experimental import _config
from torch.fx.experimental.proxy_tensor import make_fx

_PLACES = (
    "device",
    "layout",
    "pin_memory",
)  # of new tensors: those of the machine that runs the script


def to_torchscript(
    function: Callable[..., Tensor], inputs: Sequence[Tensor], others: Sequence[Tensor]
) -> torch.jit.ScriptModule:
    """Compile a function to TorchScript by a trace with symbolic sizes.

    ``torch.jit.trace`` would keep the sizes of the example wherever Python computes with them.

    Parameters
    ----------
    function : callable
        From tensors to a tensor.
    inputs : sequence of Tensor
        Example that is traced.
    others : sequence of Tensor
        Example of other sizes, which must give the same as the function itself.

    Raises
    ------
    ValueError
        If the function makes shapes of values, or keeps sizes of the example.
    """
    with _plain_torch(), _separate_sizes():
        try:
            graph = make_fx(function, tracing_mode="symbolic", _allow_non_fake_inputs=True)(*inputs)
        except torch.fx.experimental.symbolic_shapes.GuardOnDataDependentSymNode as error:
            raise ValueError(_DEPENDS_ON_VALUES) from error
        for node in list(graph.graph.nodes):
            if node.op == "call_function" and isinstance(node.target, torch._ops.OpOverload):
                _write_as_script(graph, node, node.target)
        graph.graph.eliminate_dead_code()
        graph.recompile()
        script = torch.jit.script(graph)
        try:
            difference = (script(*others) - function(*others)).abs().max().item()
        except RuntimeError as error:
            raise ValueError(_DEPENDS_ON_VALUES) from error
    if not difference < 1e-3:
        raise ValueError(_DEPENDS_ON_VALUES)
    return script


_DEPENDS_ON_VALUES = (
    "the model makes shapes of values, as parts that treat each type of particle in turn do; TorchScript "
    "would keep those of the example: export a network instead"
)


def _write_as_script(graph: fx.GraphModule, node: fx.Node, overload: Any) -> None:
    """Call an operator by the name that TorchScript knows."""
    name = str(overload)
    if name == "aten.view.dtype":  # of a constant; TorchScript takes the dtype for a size
        source = node.args[0]
        assert isinstance(source, fx.Node)
        dtype: Any = node.args[1]
        values = _constant(graph, str(source.target)).view(dtype).clone()
        graph.register_buffer(f"{node.name}_values", values)
        node.op, node.target, node.args = "get_attr", f"{node.name}_values", ()
        return
    symbolic: dict[str, Any] = {
        "aten.sym_size.int": torch.ops.aten.size,
        "aten.sym_numel.default": torch.ops.aten.numel,
    }
    node.target = symbolic.get(name, overload.overloadpacket)
    node.kwargs = {key: value for key, value in node.kwargs.items() if key not in _PLACES}


def _constant(graph: fx.GraphModule, name: str) -> Tensor:
    values: Tensor = operator.attrgetter(name)(graph)
    return values.detach()


@contextmanager
def _separate_sizes() -> Iterator[None]:
    """Let equal sizes of the example be different symbols."""
    before = _config.use_duck_shape
    _config.use_duck_shape = False
    try:
        yield
    finally:
        _config.use_duck_shape = before


@contextmanager
def _plain_torch() -> Iterator[None]:
    """Compute with torch's own operators, which TorchScript knows on any machine."""
    before = os.environ.get("ANISOAP_E3NN_BACKEND")
    os.environ["ANISOAP_E3NN_BACKEND"] = "torch"
    try:
        yield
    finally:
        if before is None:
            del os.environ["ANISOAP_E3NN_BACKEND"]
        else:
            os.environ["ANISOAP_E3NN_BACKEND"] = before
