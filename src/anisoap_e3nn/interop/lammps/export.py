"""Models as packages of AOTInductor, which ``pair_style anisoap/torch`` runs without Python.

A package holds the model as compiled code and calls the native kernels by operations on torch's
dispatcher. In LAMMPS the plugin registers these from C++ (``pair_style/operations.cpp`` and
``network_operations.cpp``), by the library ``anisoap_kernels``, since the extension module cannot be loaded
without Python. The alternative, the torch backend traced, would leave the sums over neighbours to the
compiler, whose code for them is slower. The exchange of features between ranks is an operation too
(:mod:`.exchange_operation`). All ranks run the same code, and so exchange the same number of times.
"""

import copy
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from ...geometry import torques_of_gradient
from ...ops.backends import native
from ...potentials import load_model, read_metadata
from ...potentials.units import energy_factors
from .compiled_terms import NeighborhoodEnergies, PairTerms, Results, added
from .plugin import OLDEST_TORCH
from .terms import ModelTerms

FORMAT = "anisoap-e3nn pair_style 3"


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
        Potential, or its checkpoint.
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
        Without the native backend, or if torch is older than 2.13.
    ValueError
        If the path does not end in .pt2, or the model has no cutoff or cannot be compiled.
    """
    path = Path(path)
    _refuse_path(path, overwrite)
    if torch.__version__ < OLDEST_TORCH:
        raise ImportError(
            f"found torch {torch.__version__}, expected {OLDEST_TORCH} or newer for compiled models; use "
            "pair_style anisoap, which runs with any"
        )
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
    model = copy.deepcopy(model).cpu().eval().requires_grad_(False)
    terms = ModelTerms.of(model, name)
    pairs, neighborhoods = PairTerms(terms), NeighborhoodEnergies(terms)
    try:
        with (
            warnings.catch_warnings(),
            TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder,
        ):
            warnings.filterwarnings("ignore", ".*LeafSpec", FutureWarning)  # of torch, about itself
            program = _program(pairs, neighborhoods)
            complete = Path(folder) / path.name
            _compile(program, complete, _metadata(terms, pairs, neighborhoods, units))
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


class _Example(NamedTuple):
    """Tensors of the right shapes, and which of their dimensions vary. Their values are not looked at."""

    particles: tuple[Tensor, ...]  # with the number of own particles, as the modules take them
    pair_edges: list[Tensor]  # index and vectors for each cutoff of pairs
    neighborhood_edges: list[Tensor]  # index for each cutoff of neighbourhoods
    particle_shapes: tuple[Any, ...]
    pair_shapes: list[Any]
    neighborhood_shapes: list[Any]

    @classmethod
    def of(cls, n_pair_lists: int, n_lists: int) -> "_Example":
        n = 7  # all sizes differ, so that none is taken for another
        sizes = range(20, 20 + n_pair_lists + n_lists)
        index = [torch.zeros(2, size, dtype=torch.int64) for size in sizes]
        vectors = [torch.zeros(size, 3, dtype=torch.float64) for size in sizes]
        of_particles = {0: torch.export.Dim("n_particles", min=2)}
        edges = [torch.export.Dim(f"n_edges_{size}", min=2) for size in sizes]
        return cls(
            (
                *(torch.zeros(n, width, dtype=torch.float64) for width in (3, 4, 3)),
                torch.zeros(n, dtype=torch.int64),
                torch.tensor(5),
            ),
            [x for k in range(n_pair_lists) for x in (index[k], vectors[k])],
            index[n_pair_lists:],
            (*(of_particles,) * 4, None),
            [x for k in range(n_pair_lists) for x in ({1: edges[k]}, {0: edges[k]})],
            [{1: each} for each in edges[n_pair_lists:]],
        )


class _Flat(torch.nn.Module):
    """Module of any number of tensors, from a function of them."""

    def __init__(self, function: Callable[..., Results]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Tensor) -> Results:
        return self.function(*tensors)


def _program(pairs: PairTerms, neighborhoods: NeighborhoodEnergies) -> torch.export.ExportedProgram:
    """Program of the model for any number of particles and edges.

    Energies are exported first, since only that compiler follows Python's ``len``. Their derivatives are
    then recorded, and exported with the pairs.
    """
    example = _Example.of(len(pairs.cutoffs), len(neighborhoods.cutoffs))
    n_particles, n_pairs = len(example.particles), len(example.pair_edges)
    energies_of: Any = None
    if len(neighborhoods.terms) > 0:
        # all edges have one entry, and no edges none, as where energies are of types alone
        of_edges = [tuple(example.neighborhood_shapes)] if neighborhoods.cutoffs else []
        energies_of = torch.export.export(
            neighborhoods,
            (*example.particles, *example.neighborhood_edges),
            dynamic_shapes=(*example.particle_shapes, *of_edges),
            strict=True,
        ).module(check_guards=False)

    def evaluate(*tensors: Tensor) -> Results:
        positions, quaternions, semiaxes, types, n_local = tensors[:n_particles]
        edges = tensors[n_particles:]
        sums = pairs(quaternions, semiaxes, types, *edges[:n_pairs])
        if energies_of is None:
            return sums
        leaves = [x.detach().requires_grad_() for x in (positions, quaternions)]
        energies = energies_of(*leaves, semiaxes, types, n_local, *edges[n_pairs:])
        d_positions, d_quaternions = torch.autograd.grad(
            energies.sum(), leaves, materialize_grads=True
        )
        torques = torques_of_gradient(quaternions, d_quaternions)
        return added(sums, (energies.detach(), -d_positions, torques))

    arguments = (*example.particles, *example.pair_edges, *example.neighborhood_edges)
    shapes = (*example.particle_shapes, *example.pair_shapes, *example.neighborhood_shapes)
    recorded = make_fx(evaluate, tracing_mode="symbolic", _allow_non_fake_inputs=True)(*arguments)
    return torch.export.export(_Flat(recorded), arguments, dynamic_shapes=(shapes,))


def _metadata(
    terms: ModelTerms,
    pairs: PairTerms,
    neighborhoods: NeighborhoodEnergies,
    units: str | Mapping[str, Any] | None,
) -> dict[str, str]:
    """What the pair style reads of a model; numbers are separated by spaces."""
    factors = energy_factors(units)
    return {
        "format": FORMAT,
        "cutoff": repr(terms.cutoff),
        "pair_cutoffs": " ".join(map(repr, pairs.cutoffs)),
        "neighborhood_cutoffs": " ".join(map(repr, neighborhoods.cutoffs)),
        "exchanged_width": str(neighborhoods.width),
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
        # code of torch 2.13 for as many threads as there are when it runs writes beyond its memory
        "cpp.threads": 1,
    }
    aoti_compile_and_package(program, package_path=str(path), inductor_configs=configuration)
