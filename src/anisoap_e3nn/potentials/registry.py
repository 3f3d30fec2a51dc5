"""Models as text: the dotted paths of their classes and the arguments of their constructors."""

import inspect
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import numpy as np
import torch
from e3nn import o3

from ..basis import RadialBasis

GROUP = "anisoap_e3nn.models"
_PACKAGE = __name__.partition(".")[0]
_SEQUENTIAL = "torch.nn.Sequential"
_NAMES_OF_0_1_0 = {  # whose checkpoints name classes without their packages
    path.rpartition(".")[2]: f"{_PACKAGE}.{path}"
    for path in (
        "AniSOAPEmbedding",
        "PowerSpectrum",
        "networks.MACEStylePotential",
        "networks.NequIPStylePotential",
        "nn.FullTensorProduct",
        "nn.PolynomialCutoff",
        "nn.ShiftedCosine",
        "nn.TensorProduct",
        "nn.TensorSquare",
        "nn.TypeLinear",
        "potentials.ManyBodyPotential",
        "potentials.OneBodyPotential",
        "potentials.PairPotential",
        "potentials.ParticleShapes",
        "potentials.StackedPotential",
    )
}


def describe(value: Any, name: str, allow: Sequence[type] = ()) -> Any:
    """A model or hyperparameter as JSON can hold it.

    Parameters
    ----------
    value : Module, RadialBasis, Irreps, mapping, sequence, number, str or None
    name : str
        What it is, for messages.
    allow : sequence of type
        Classes that may be named besides those of registered packages.

    Raises
    ------
    TypeError
        For other values, classes that :func:`build` would refuse, and models that do not know their
        hyperparameters.
    """
    if isinstance(value, torch.nn.Module | RadialBasis):
        path, arguments = _path_and_arguments(value, name, allow)
        described = {k: describe(x, f"{k} of {path}", allow) for k, x in arguments.items()}
        return {"class": path, "arguments": described}
    if isinstance(value, o3.Irreps):  # a tuple otherwise
        return str(value)
    if isinstance(value, Mapping):  # whose keys need not be texts, as those of JSON are
        return {"mapping": [[k, describe(x, f"{name}[{k!r}]", allow)] for k, x in value.items()]}
    if isinstance(value, list | tuple):
        return [describe(x, f"{name}[{i}]", allow) for i, x in enumerate(value)]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{name} is {value!r}, which a checkpoint cannot hold")


def build(described: Any, allow: Sequence[type] = ()) -> Any:
    """The inverse of :func:`describe`, with new weights.

    Raises
    ------
    ValueError
        For classes that are unknown or not allowed, and hyperparameters that they do not have.
    """
    if isinstance(described, list):
        return [build(x, allow) for x in described]
    if not isinstance(described, dict):
        return described
    if "mapping" in described:
        return {key: build(x, allow) for key, x in described["mapping"]}
    path = described["class"]
    arguments = {key: build(x, allow) for key, x in described["arguments"].items()}
    if path == _SEQUENTIAL:
        return torch.nn.Sequential(OrderedDict(arguments["modules"]))
    kind = _class_at(path, allow)
    try:
        return kind(**arguments)
    except TypeError as error:  # not by the signature: a class may pass keywords on to its base
        raise ValueError(f"{path} has other hyperparameters here: {error}") from error


def _path_and_arguments(model: Any, name: str, allow: Sequence[type]) -> tuple[str, dict[str, Any]]:
    kind = type(model)
    if kind is torch.nn.Sequential:
        return _SEQUENTIAL, {"modules": dict(model.named_children())}
    if (path := _path_of(kind)) is None:
        raise TypeError(
            f"{name} is a {kind.__module__}.{kind.__qualname__}, which cannot be imported by that "
            "name: define the class at the top level of a module"
        )
    if kind not in allow and not _is_registered(path):
        raise TypeError(
            f"{name} is a {path}, whose package has not registered itself (entry-point group "
            f"{GROUP!r}): give allow=[{kind.__name__}] to save_model and load_model"
        )
    arguments = dict(getattr(model, "hyperparameters", {}))
    try:
        inspect.signature(kind).bind(**arguments)
    except TypeError as error:
        raise TypeError(
            f"{path} does not say how it was built: set its `hyperparameters` to the arguments of "
            f"its constructor ({error})"
        ) from error
    return path, arguments


def _class_at(path: str, allow: Sequence[type]) -> Any:
    for kind in allow:
        if path == _path_of(kind):
            return kind
    path = _NAMES_OF_0_1_0.get(path, path)
    if not _is_registered(path):
        raise ValueError(
            f"{path} is of a package that has not registered itself (entry-point group {GROUP!r}); "
            "if you trust the class, give it to load_model: allow=[...]"
        )
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name, None)
    except ImportError as error:
        raise ValueError(f"there is no class {path!r} here: {error}") from error
    if not (inspect.isclass(found) and issubclass(found, torch.nn.Module | RadialBasis)):
        raise ValueError(f"there is no class {path!r} here")
    return found


def _path_of(kind: type) -> str | None:
    """The shortest path by which a class can be imported: that of its public name."""
    parts, name = kind.__module__.split("."), kind.__qualname__
    for n in range(1, len(parts) + 1):
        module = import_module(".".join(parts[:n]))
        if getattr(module, name, None) is kind:
            return f"{module.__name__}.{name}"
    return None


def _is_registered(path: str) -> bool:
    """Whether the path is of this package, or one that is named in the entry-point group."""
    packages = {
        entry.value.partition(":")[0].partition(".")[0] for entry in entry_points(group=GROUP)
    }
    return "." in path and path.partition(".")[0] in {_PACKAGE, *packages}
