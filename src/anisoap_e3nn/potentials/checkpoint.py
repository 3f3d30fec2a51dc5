"""Checkpoints: files of models, without code."""

import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from io import BytesIO
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import e3nn
import torch
from torch import Tensor

from ..default_dtype import default_dtype
from .registry import build, describe

FORMAT = "anisoap-e3nn model"
FORMAT_VERSION = 2  # version 1, of 0.1.0, stored class names without packages


def save_model(
    model: torch.nn.Module,
    path: str | PathLike[str],
    *,
    overwrite: bool = False,
    allow: Sequence[type] = (),
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write a model to a checkpoint: dotted paths of classes, their hyperparameters, and tensors.

    The file appears only when it is complete. It contains no code, and no pickled objects except tensors.

    Parameters
    ----------
    model : Module
        Potential, network or layer of this package, of a package that registers itself in the entry-point
        group ``anisoap_e3nn.models``, or of a class in `allow`; or a ``torch.nn.Sequential`` of these. Its
        attribute `hyperparameters` is the mapping of its constructor's arguments. Modules among the arguments
        are stored in the same way.
    path : str or PathLike
        Output file.
    overwrite : bool
        Whether an existing file may be replaced.
    allow : sequence of type
        Classes of other packages. :func:`load_model` needs them too.

    metadata : mapping, optional
        What the file says of the model's origin, such as units: values that JSON can store, for
        :func:`read_metadata`.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    FileNotFoundError
        If the folder does not exist.
    TypeError
        If the class of a model is not allowed, or a hyperparameter cannot be stored as JSON.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists already; use overwrite=True to replace it")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name!r} to")
    contents = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "versions": _versions(),
        "model": json.dumps(describe(model, "the model", allow)),
        "metadata": json.dumps(dict(metadata or {})),
        "dtype": str(_dtype_of(model)).removeprefix("torch."),
        # clones, since torch.save writes the whole storage of a view
        "state": {name: x.detach().cpu().clone() for name, x in model.state_dict().items()},
    }
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        complete = Path(folder) / path.name
        torch.save(contents, complete)
        complete.replace(path)


def load_model(
    path: str | PathLike[str],
    map_location: torch.device | str | None = None,
    *,
    allow: Sequence[type] = (),
) -> torch.nn.Module:
    """Read a model from a checkpoint of :func:`save_model`, in its original dtype.

    Checkpoints of version 0.1.0 can be read too.

    Parameters
    ----------
    path : str or PathLike
        Checkpoint.
    map_location : device, optional
        Device of the model; by default the CPU.
    allow : sequence of type
        Classes that the file may name in addition to those of this package, and of packages that register
        themselves in the entry-point group ``anisoap_e3nn.models``.

    Returns
    -------
    Module
        Model in training mode, like every new module.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If the file is not a checkpoint, is damaged (its checksums are compared) or has an unknown format
        version, if this version of the package lacks a class or hyperparameter, or if tensors are missing,
        unknown or of wrong shape.
    """
    path = Path(path)
    contents = _read(path)
    origin = f"{path}, written with {contents['versions']}"
    try:
        # built under its own dtype, as originally; the caller's random state is not changed
        dtype = getattr(torch, contents["dtype"])
        with default_dtype(dtype), torch.random.fork_rng(devices=[]):
            model = build(json.loads(contents["model"]), allow)
        ours, theirs = model.state_dict(), contents["state"]
        if contents["format_version"] == 1:  # of 0.1.0
            _give_rows(theirs)
        _refuse_other_tensors(ours, theirs)
        if contents["format_version"] == 1:  # when embeddings had fewer hyperparameters
            theirs |= {name: ours[name] for name in ours if name.endswith("_extra_state")}
        # assigned, since constants of a potential may be made in another dtype than they were saved in
        model.load_state_dict(theirs, assign=True)
    except Exception as error:  # of classes of others too, and of damaged descriptions
        reason = " ".join(str(error).split())  # in one line
        raise ValueError(f"{origin}, cannot be read with {_versions()}: {reason}") from error
    return model if map_location is None else model.to(map_location)


def read_metadata(path: str | PathLike[str]) -> dict[str, Any]:
    """Read the metadata of a checkpoint; empty if it was saved without.

    Parameters
    ----------
    path : str or PathLike
        Checkpoint of :func:`save_model`.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If the file is not a checkpoint or is damaged.
    """
    found: dict[str, Any] = json.loads(_read(Path(path)).get("metadata", "{}"))
    return found


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    file = path.read_bytes()  # errors of the disk name the path
    try:
        _refuse_wrong_checksums(file)
        contents = torch.load(BytesIO(file), map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files lead to errors of every kind
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"{path} is not a checkpoint, or damaged; expected a file of save_model ({reason})"
        ) from error
    if not isinstance(contents, dict) or contents.get("format") != FORMAT:
        raise ValueError(
            f"{path} is not a checkpoint of anisoap-e3nn; expected a file of save_model"
        )
    found = contents.get("format_version")
    if not isinstance(found, int) or not 1 <= found <= FORMAT_VERSION:
        raise ValueError(
            f"{path}, written with {contents.get('versions')}, has format version {found}, expected 1 to "
            f"{FORMAT_VERSION} with {_versions()}"
        )
    missing = {"versions", "model", "dtype", "state"} - contents.keys()
    if missing:
        raise ValueError(f"{path} is damaged: found no {sorted(missing)}")
    return contents


def _refuse_wrong_checksums(file: bytes) -> None:
    """Compare the records of the archive with their checksums, which torch does not look at."""
    with ZipFile(BytesIO(file)) as archive:
        if damaged := archive.testzip():
            raise ValueError(f"the checksum of its record {damaged!r} is wrong")


def _give_rows(state: dict[str, Tensor]) -> None:
    """Give the mean number of neighbours, a row today, its dimension."""
    for name in state:
        if name.split(".")[-1] == "n_neighbors" and state[name].dim() == 0:
            state[name] = state[name].reshape(1)


def _refuse_other_tensors(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> None:
    faults = [f"no {name!r}" for name in ours.keys() - theirs.keys()]
    faults += [f"an unknown {name!r}" for name in theirs.keys() - ours.keys()]
    for name in ours.keys() & theirs.keys():
        if not _same_kind(ours[name], theirs[name]):
            faults.append(f"{name!r} that is no dense tensor of the right dtype")
            continue
        expected, found = tuple(ours[name].shape), tuple(theirs[name].shape)
        if found != expected and not name.endswith("_extra_state"):  # compared when it is set
            faults.append(f"{name!r} of shape {found} instead of {expected}")
    if faults:
        raise ValueError(f"found {', '.join(sorted(faults))}")


def _same_kind(ours: Tensor, theirs: Any) -> bool:
    """Whether it is a dense tensor of the dtype; float32 and float64 may stand for each other."""
    if not isinstance(theirs, Tensor) or theirs.layout != torch.strided or theirs.is_meta:
        return False
    real = (torch.float32, torch.float64)
    return theirs.dtype == ours.dtype or (ours.dtype in real and theirs.dtype in real)


def _dtype_of(model: torch.nn.Module) -> torch.dtype:
    tensors = (*model.parameters(), *model.buffers())
    return next((x.dtype for x in tensors if x.is_floating_point()), torch.get_default_dtype())


def _versions() -> str:
    package = import_module(__name__.partition(".")[0])
    return f"anisoap-e3nn {package.__version__}, e3nn {e3nn.__version__}, torch {torch.__version__}"
