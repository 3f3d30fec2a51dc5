"""Models in files, without code in them."""

import json
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import e3nn
import torch
from torch import Tensor

from .registry import build, describe

FORMAT = "anisoap-e3nn model"
FORMAT_VERSION = 2  # 1, of 0.1.0, named classes without their packages


def save_model(
    model: torch.nn.Module,
    path: str | PathLike[str],
    *,
    overwrite: bool = False,
    allow: Sequence[type] = (),
) -> None:
    """Write a model to a file: dotted paths of classes, their hyperparameters, and tensors.

    The file appears when it is complete. It holds no code, and no pickled objects but tensors.

    Parameters
    ----------
    model : Module
        A potential, network or layer of this package; one of a package that names itself in the entry-point
        group ``anisoap_e3nn.models``; one of the classes in `allow`; or a ``torch.nn.Sequential`` of these.
        Its attribute `hyperparameters` holds the arguments of its constructor. Modules among them are
        described in the same way.
    path : str or PathLike
    overwrite : bool
        Whether a file of that name may be replaced.
    allow : sequence of type
        Classes of other packages. :func:`load_model` needs them too.

    Raises
    ------
    FileExistsError
        If there is a file of that name.
    TypeError
        For models of other classes, or with hyperparameters that JSON cannot hold.
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
        "model": json.dumps(describe(model, "the model", allow)),
        "dtype": str(_dtype_of(model)).removeprefix("torch."),
        # clones, since of views the whole storage would be written
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
    """Read a model that :func:`save_model` wrote, in the dtype that it had.

    The file is refused as a whole if anything in it does not fit.

    Parameters
    ----------
    path : str or PathLike
    map_location : device, optional
        Where the model is put; by default the CPU.
    allow : sequence of type
        Classes that the file may name besides those of this package and of packages that name themselves in
        the entry-point group ``anisoap_e3nn.models``.

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
            model = build(json.loads(contents["model"]), allow)
        _refuse_other_tensors(model.state_dict(), contents["state"])
        # assigned, since constants of a potential may be made in another dtype than they were saved in
        model.load_state_dict(contents["state"], assign=True)
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
    if (found := contents.get("format_version")) not in range(1, FORMAT_VERSION + 1):
        raise ValueError(
            f"{path} has format version {found}, expected 1 to {FORMAT_VERSION}: it was written with "
            f"{contents.get('versions')}, and this is {_versions()}"
        )
    missing = {"versions", "model", "dtype", "state"} - contents.keys()
    if missing:
        raise ValueError(f"{path} is damaged: it has no {sorted(missing)}")
    return contents


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
