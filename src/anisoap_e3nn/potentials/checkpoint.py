"""Models in files, without code in them."""

import inspect
import json
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import e3nn
import torch
from e3nn import o3
from torch import Tensor

from .stacked import StackedPotential

FORMAT = "anisoap-e3nn model"
FORMAT_VERSION = 1
_HOMES = ("nn", "potentials", "networks")  # whose public classes a checkpoint can name


def save_model(
    model: torch.nn.Module, path: str | PathLike[str], *, overwrite: bool = False
) -> None:
    """Write a model to a file: names of classes, their hyperparameters, and tensors.

    The file appears when it is complete. It holds no code, and no pickled objects but tensors.

    Parameters
    ----------
    model : Module
        A :class:`StackedPotential`, or another class of this package with `hyperparameters`, the arguments
        of its constructor. Modules among them are described in the same way.
    path : str or PathLike
    overwrite : bool
        Whether a file of that name may be replaced.

    Raises
    ------
    FileExistsError
        If there is one.
    TypeError
        For models that are not of this package, or have hyperparameters that JSON cannot hold.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists already; overwrite=True replaces it")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name!r} to")
    contents = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "versions": _versions(),
        "model": json.dumps(_describe(model, "the model")),
        "dtype": str(_dtype_of(model)).removeprefix("torch."),
        # clones, since of views the whole storage would be written
        "state": {name: x.detach().cpu().clone() for name, x in model.state_dict().items()},
    }
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        complete = Path(folder) / path.name
        torch.save(contents, complete)
        complete.replace(path)


def load_model(
    path: str | PathLike[str], map_location: torch.device | str | None = None
) -> torch.nn.Module:
    """Read a model that :func:`save_model` wrote, in the dtype that it had.

    The file is refused as a whole if anything in it does not fit.

    Parameters
    ----------
    path : str or PathLike
    map_location : device, optional
        Where the model is put; by default the CPU.

    Returns
    -------
    Module
        In training mode, as all new modules are.

    Raises
    ------
    ValueError
        For files that are no such checkpoint or of another format version, classes or hyperparameters that
        this version of the package does not have, and tensors that are missing, too many or of other
        shapes.
    """
    path = Path(path)
    contents = _read(path)
    origin = f"{path}, written with {contents['versions']}"
    try:
        # as it was built: under its own dtype; and the caller's random numbers stay as they are
        dtype = getattr(torch, contents["dtype"])
        with _default_dtype(dtype), torch.random.fork_rng(devices=[]):
            model = _build(json.loads(contents["model"]))
        _refuse_other_tensors(model.state_dict(), contents["state"])
        model.load_state_dict(contents["state"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{origin}, does not fit {_versions()}: {error}") from error
    return model if map_location is None else model.to(map_location)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    try:
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is no checkpoint, or a damaged one") from error
    if not isinstance(contents, dict) or contents.get("format") != FORMAT:
        raise ValueError(f"{path} is no checkpoint of a model of anisoap-e3nn; see save_model")
    if (found := contents.get("format_version")) != FORMAT_VERSION:
        raise ValueError(
            f"{path} has format version {found}, expected {FORMAT_VERSION}: it was written with "
            f"{contents.get('versions')}, and this is {_versions()}"
        )
    missing = {"versions", "model", "dtype", "state"} - contents.keys()
    if missing:
        raise ValueError(f"{path} is damaged: it has no {sorted(missing)}")
    return contents


def _describe(value: Any, name: str) -> Any:
    """What JSON can hold of a hyperparameter, and :func:`_build` makes the same of."""
    if isinstance(value, torch.nn.Module):
        kind = type(value)
        if _class(kind.__name__) is not kind:
            raise TypeError(
                f"{name} is a {kind.__module__}.{kind.__qualname__}; checkpoints can name only public "
                f"classes of {' and '.join(f'anisoap_e3nn.{home}' for home in _HOMES)}"
            )
        arguments = _arguments(value)
        described = {k: _describe(x, f"{k} of {kind.__name__}") for k, x in arguments.items()}
        return {"class": kind.__name__, "arguments": described}
    if isinstance(value, o3.Irreps):  # a tuple otherwise
        return str(value)
    if isinstance(value, Mapping):  # whose keys need not be texts, as those of JSON are
        items = [[key, _describe(x, f"{name}[{key!r}]")] for key, x in value.items()]
        return {"mapping": items}
    if isinstance(value, list | tuple):
        return [_describe(x, f"{name}[{i}]") for i, x in enumerate(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{name} is {value!r}, which a checkpoint cannot hold")


def _build(described: Any) -> Any:
    if isinstance(described, list):
        return [_build(x) for x in described]
    if not isinstance(described, dict):
        return described
    if "mapping" in described:
        return {key: _build(x) for key, x in described["mapping"]}
    name = described["class"]
    if (kind := _class(name)) is None:
        raise ValueError(f"there is no class {name!r} here")
    arguments = {key: _build(x) for key, x in described["arguments"].items()}
    try:
        inspect.signature(kind).bind(**arguments)
    except TypeError as error:
        raise ValueError(f"{name} has other hyperparameters here: {error}") from error
    return kind(**arguments)


def _class(name: str) -> type[torch.nn.Module] | None:
    """The public module of that name in this package that knows its arguments."""
    package = __name__.partition(".")[0]
    for home in (import_module(f"{package}.{x}") for x in _HOMES):
        if name in home.__all__:
            kind: type[torch.nn.Module] = getattr(home, name)
            return kind if inspect.isclass(kind) and issubclass(kind, torch.nn.Module) else None
    return None


def _arguments(model: Any) -> dict[str, Any]:
    if isinstance(model, StackedPotential):
        return {"components": list(model.components)}
    arguments = getattr(model, "hyperparameters", {})
    try:
        inspect.signature(type(model)).bind(**arguments)
    except TypeError as error:
        raise TypeError(
            f"{type(model).__name__} does not know how it was built, and cannot be built again: {error}"
        ) from error
    return dict(arguments)


def _refuse_other_tensors(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> None:
    faults = [f"no {name!r}" for name in ours.keys() - theirs.keys()]
    faults += [f"an unknown {name!r}" for name in theirs.keys() - ours.keys()]
    for name in ours.keys() & theirs.keys():
        expected, found = tuple(ours[name].shape), tuple(theirs[name].shape)
        if found != expected and not name.endswith("_extra_state"):  # which compares itself
            faults.append(f"{name!r} of shape {found} instead of {expected}")
    if faults:
        raise ValueError(f"found {', '.join(sorted(faults))}")


def _dtype_of(model: torch.nn.Module) -> torch.dtype:
    tensors = (*model.parameters(), *model.buffers())
    return next((x.dtype for x in tensors if x.is_floating_point()), torch.get_default_dtype())


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _versions() -> str:
    package = import_module(__name__.partition(".")[0])
    return f"anisoap-e3nn {package.__version__}, e3nn {e3nn.__version__}, torch {torch.__version__}"
