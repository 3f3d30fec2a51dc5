"""Models as packages of AOTInductor, which ``pair_style anisoap/torch`` runs without Python.

A package holds the model as compiled code and calls the native kernels by operations on torch's dispatcher, which the
plugin registers from C++ (``pair_style/operations.cpp``). So it is as fast as the model in Python: pairs and moments are
sums over neighbours, for which the compiler's own code is slower than the kernels.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from ...networks.convolution import Convolution
from ...ops.backends import native
from ...potentials import load_model, read_metadata
from .packaged_model import PackagedModel
from .terms import ModelTerms
from .units import energy_factors

FORMAT = "anisoap-e3nn pair_style 1"


def export_model(
    model: torch.nn.Module | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    units: str | Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Compile a model for ``pair_style anisoap/torch``.

    The package runs on processors like the one at hand, with the version of torch that compiled it.

    Parameters
    ----------
    model : Module or path
        Potential without message passing: pair and many-body potentials, and stacks; or its checkpoint.
    path : path
        Output file, ``.pt2``.
    units : str or mapping, optional
        Units of the model, as :func:`~anisoap_e3nn.potentials.save_model` stores them; by default those of
        the checkpoint.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    FileNotFoundError
        If there is no such model, or no such folder.
    ImportError
        Without the native backend.
    ValueError
        If the path does not end in .pt2, or the model is a network, has no cutoff or cannot be compiled.
    """
    path = Path(path)
    _refuse_path(path, overwrite)
    if native.unavailable:
        raise ImportError(
            f"the native backend is not available ({native.unavailable}), expected its kernels for compiled "
            "models; reinstall with a C++17 compiler (GCC or Clang) at hand"
        )
    name = "the model"
    if not isinstance(model, torch.nn.Module):
        name = os.fspath(model)
        units = units or read_metadata(name).get("units")
        model = load_model(name)
    if any(isinstance(each, Convolution) for each in model.modules()):
        raise ValueError(
            f"{name} is a network, whose layers exchange features between ranks, expected a potential without "
            "message passing; use pair_style anisoap, which takes any checkpoint"
        )
    terms = ModelTerms.of(model.cpu().eval().requires_grad_(False), name)
    packaged = PackagedModel(terms)
    try:
        program = _program(packaged)
        with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            complete = Path(folder) / path.name
            _compile(program, complete, _metadata(terms, packaged, units))
            complete.replace(path)
    except RuntimeError as error:  # of torch's compilers
        raise ValueError(f"{name} cannot be compiled: {error}") from error


def _refuse_path(path: Path, overwrite: bool) -> None:
    if path.suffix != ".pt2":
        raise ValueError(f"found the output file {path}, expected a name that ends in .pt2")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists already; use overwrite=True to replace it")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name!r} to")


def _program(model: PackagedModel) -> torch.export.ExportedProgram:
    """Program of the model for any number of particles and edges, derivatives included."""
    from torch import _dynamo as dynamo  # takes seconds to import

    n = torch.export.Dim("n_particles", min=2)
    arguments, shapes = _example(model, n)
    with dynamo.config.patch(trace_autograd_ops=True):
        return torch.export.export(model, arguments, dynamic_shapes=shapes, strict=True)


def _example(model: PackagedModel, n: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Arguments of the right shapes, and which of their dimensions vary. Their values are not looked at."""
    n_pairs, n_all = len(model.pair_cutoffs), len(model.pair_cutoffs) + len(
        model.neighborhood_cutoffs
    )
    zeros = torch.zeros(7, 11, dtype=torch.float64)
    edges = [torch.zeros(2, 20 + k, dtype=torch.int64) for k in range(n_all)]
    dims = [torch.export.Dim(f"n_edges_{k}", min=2) for k in range(n_all)]
    vectors = [torch.zeros(each.shape[1], 3, dtype=torch.float64) for each in edges[:n_pairs]]
    whole: dict[str, Any] = {"dtype": torch.int64}
    arguments: tuple[Any, ...] = (
        *(zeros.new_zeros(7, width) for width in (3, 4, 3)),
        torch.zeros(7, **whole),
        torch.tensor(5, **whole),
        edges[:n_pairs],
        vectors,
        edges[n_pairs:],
    )
    shapes = (
        *({0: n} for _ in range(4)),
        None,
        [{1: dim} for dim in dims[:n_pairs]],
        [{0: dim} for dim in dims[:n_pairs]],
        [{1: dim} for dim in dims[n_pairs:]],
    )
    return arguments, shapes


def _metadata(
    terms: ModelTerms, model: PackagedModel, units: str | Mapping[str, Any] | None
) -> dict[str, str]:
    """What the pair style reads of a model; numbers are separated by spaces."""
    factors = energy_factors(units)
    return {
        "format": FORMAT,
        "cutoff": repr(terms.cutoff),
        "pair_cutoffs": " ".join(map(repr, model.pair_cutoffs)),
        "neighborhood_cutoffs": " ".join(map(repr, model.neighborhood_cutoffs)),
        "types": " ".join(map(str, terms.known_types or [])),
        "units": str(units or ""),
        "unit_styles": " ".join(factors),
        "energy_factors": " ".join(map(repr, factors.values())),
    }


def _compile(
    program: torch.export.ExportedProgram, path: Path, metadata: Mapping[str, str]
) -> None:
    from torch._inductor import aoti_compile_and_package

    configuration = {
        "aot_inductor.metadata": dict(metadata),
        "cpp.dynamic_threads": True,  # as many as the ranks have when it runs
    }
    aoti_compile_and_package(program, package_path=str(path), inductor_configs=configuration)
