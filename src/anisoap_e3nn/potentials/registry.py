"""Models as JSON: dotted paths of classes and arguments of constructors."""

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
_NAMES_OF_0_1_0 = {  # checkpoints of 0.1.0 have class names without packages
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
_ARGUMENTS_OF_0_1_0 = {  # what these classes always did
    name: {"include_self": True}
    for name in ("MACEStylePotential", "ManyBodyPotential", "NequIPStylePotential")
}


def describe(value: Any, name: str, allow: Sequence[type] = ()) -> Any:
    """Describe a model or hyperparameter by values that JSON can store.

    Parameters
    ----------
    value : Module, RadialBasis, Irreps, mapping, sequence, number, str or None
        Model or hyperparameter.
    name : str
        Name of the value, for messages.
    allow : sequence of type
        Classes that are allowed in addition to those of registered packages.

    Raises
    ------
    TypeError
        If the value has another type, :func:`build` would refuse its class, or a model does not know its
        hyperparameters.
    """
    if isinstance(value, torch.nn.Module | RadialBasis):
        path, arguments = _path_and_arguments(value, name, allow)
        described = {k: describe(x, f"{k} of {path}", allow) for k, x in arguments.items()}
        return {"class": path, "arguments": described}
    if isinstance(value, o3.Irreps):  # before tuples, since it is one
        return str(value)
    if isinstance(value, Mapping):  # as pairs, since keys of JSON are strings
        return {"mapping": [[k, describe(x, f"{name}[{k!r}]", allow)] for k, x in value.items()]}
    if isinstance(value, list | tuple):
        return [describe(x, f"{name}[{i}]", allow) for i, x in enumerate(value)]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        f"{name} is {value!r}, expected a value that JSON can store, a Module or a RadialBasis"
    )


def build(described: Any, allow: Sequence[type] = ()) -> Any:
    """Build a model or hyperparameter from the result of :func:`describe`, with new weights.

    Raises
    ------
    ValueError
        If a class is unknown or not allowed, or does not have a hyperparameter.
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
        return kind(**_ARGUMENTS_OF_0_1_0.get(path, {}), **arguments)
    except TypeError as error:  # not by the signature: a class may pass keywords on to its base
        raise ValueError(f"{path} has other hyperparameters in this version: {error}") from error


def _path_and_arguments(model: Any, name: str, allow: Sequence[type]) -> tuple[str, dict[str, Any]]:
    kind = type(model)
    if kind is torch.nn.Sequential:
        return _SEQUENTIAL, {"modules": dict(model.named_children())}
    if (path := _path_of(kind)) is None:
        raise TypeError(
            f"{name} is a {kind.__module__}.{kind.__qualname__}, which cannot be imported by that "
            "name; define the class at the top level of a module"
        )
    if kind not in allow and not _is_registered(path):
        raise TypeError(
            f"{name} is a {path}, whose package is not registered (entry-point group {GROUP!r}); give "
            f"allow=[{kind.__name__}] to save_model and load_model"
        )
    arguments = dict(getattr(model, "hyperparameters", {}))
    try:
        inspect.signature(kind).bind(**arguments)
    except TypeError as error:
        raise TypeError(
            f"the hyperparameters of {path} do not fit its constructor: {error}; set `hyperparameters` "
            "to its arguments"
        ) from error
    return path, arguments


def _class_at(path: str, allow: Sequence[type]) -> Any:
    for kind in allow:
        if path == _path_of(kind):
            return kind
    path = _NAMES_OF_0_1_0.get(path, path)
    if not _is_registered(path):
        raise ValueError(
            f"{path} belongs to a package that is not registered here (entry-point group {GROUP!r}); "
            f"install {path.partition('.')[0]!r}, which may be that package, or, if you trust the class, "
            "give it to load_model: allow=[...]"
        )
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name, None)
    except ImportError as error:
        raise ValueError(f"found no class {path!r}: {error}") from error
    if not (inspect.isclass(found) and issubclass(found, torch.nn.Module | RadialBasis)):
        raise ValueError(f"found no class {path!r}")
    return found


def _path_of(kind: type) -> str | None:
    """Shortest dotted path that imports a class: its public name. None if there is none."""
    parts, name = kind.__module__.split("."), kind.__qualname__
    for n in range(1, len(parts) + 1):
        module = import_module(".".join(parts[:n]))
        if getattr(module, name, None) is kind:
            return f"{module.__name__}.{name}"
    return None


def _is_registered(path: str) -> bool:
    """Whether a path belongs to this package, or to one in the entry-point group."""
    packages = {
        entry.value.partition(":")[0].partition(".")[0] for entry in entry_points(group=GROUP)
    }
    return "." in path and path.partition(".")[0] in {_PACKAGE, *packages}
