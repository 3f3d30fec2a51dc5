"""The same descriptor by several routes, from the neighbour list to the coefficients.

numpy_only
    AniSOAP's loop over pairs (:mod:`benchmarks.baselines.per_pair_loop`).
torch_mixed
    That loop, with its contraction in torch (:mod:`benchmarks.baselines.torch_mixed`).
torch_full
    AniSOAP's algorithm batched over pairs in torch (:mod:`benchmarks.baselines.torch_full`).
summed_first
    This package on its torch backend: parameters once for each particle, moments summed before the map.
native
    This package's C++ kernels.
triton
    This package's kernels for NVIDIA GPUs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.ops.backends import native, triton_source

from ..baselines.torch_contraction import TorchContraction
from ..baselines.torch_full import BatchedExpansion
from ..systems import System
from ..timing import on_backend

CUTOFF, WIDTH = 7.0, 1.5
LOOPS = ("numpy_only", "torch_mixed")
MODES = (*LOOPS, "torch_full", "summed_first", "native", "triton")
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-3}  # of the largest coefficient


@dataclass
class Problem:
    """One frame, the embedding of its types, and the neighbour list.

    Parameters
    ----------
    system : System
    max_angular, max_radial : int
        Hyperparameters of the embedding.
    dtype : dtype
        Type of the routes' numbers. The reference is always in float64.
    """

    system: System
    max_angular: int = 6
    max_radial: int | None = None
    dtype: torch.dtype = torch.float64

    def __post_init__(self) -> None:
        types = sorted(set(self.system.types.tolist()))
        self.embedding = AniSOAPEmbedding(
            types, CUTOFF, self.max_angular, self.max_radial, radial_gaussian_width=WIDTH
        ).double()
        self.inputs = self.system.inputs(*self.system.search(CUTOFF))
        n_particles = len(self.system.types)
        self.n_pairs = self.inputs["edge_index"].shape[1] + n_particles  # each with itself, too

    def cast(self, device: str = "cpu") -> tuple[AniSOAPEmbedding, dict[str, Tensor]]:
        """Embedding and inputs in the type of the routes, on a device."""
        embedding = AniSOAPEmbedding(**self.embedding.hyperparameters).to(device, self.dtype)
        inputs = {
            name: value.to(device, self.dtype if value.is_floating_point() else value.dtype)
            for name, value in self.inputs.items()
        }
        return embedding, inputs


@dataclass
class Route:
    """A prepared mode: the work to time, and its result as coefficients."""

    run: Callable[[], Any]
    coefficients: Callable[[Any], Tensor]


def why_left_out(mode: str, dtype: torch.dtype = torch.float64) -> str | None:
    """Reason why a mode cannot run here; None if it can."""
    if mode in LOOPS:
        if dtype != torch.float64:
            return "it computes in float64 alone"
        missing = [name for name in ("featomic", "metatensor") if not find_spec(name)]
        return f"{' and '.join(missing)} not installed" if missing else None
    if mode == "native":
        return native.unavailable or None
    if mode == "triton":
        return triton_source.unavailable if torch.cuda.is_available() else "no NVIDIA GPU"
    return None


def prepare(mode: str, problem: Problem) -> Route:
    """Prepare a mode for a problem: neighbour lists and tables are made before anything is timed."""
    if mode in LOOPS:
        return _loop(mode, problem)
    if mode == "torch_full":
        _, inputs = problem.cast()
        contraction = TorchContraction(problem.embedding, problem.dtype)
        return Route(BatchedExpansion(problem.embedding, contraction, inputs), _as_it_is)
    device = "cuda" if mode == "triton" else "cpu"
    embedding, inputs = problem.cast(device)
    backend = "torch" if mode == "summed_first" else mode
    work = partial(embedding, **inputs)
    return Route(on_backend(backend, _waiting(work) if mode == "triton" else work), _as_it_is)


def checked_routes(
    modes: Sequence[str], problem: Problem
) -> tuple[dict[str, Route], dict[str, float]]:
    """Routes of the modes, and the difference of each from the embedding in float64.

    Raises
    ------
    AssertionError
        If a route's coefficients differ by more than the tolerance of the dtype.
    """
    reference = problem.embedding(**problem.inputs)
    routes, errors = {}, {}
    for mode in modes:
        routes[mode] = route = prepare(mode, problem)
        errors[mode] = relative_difference(route.coefficients(route.run()), reference)
        if not errors[mode] < TOLERANCE[problem.dtype]:
            raise AssertionError(
                f"the coefficients of {mode} differ by {errors[mode]:.1e} of the largest, expected less "
                f"than {TOLERANCE[problem.dtype]:.0e}; its times would not be those of the same descriptor"
            )
    return routes, errors


def relative_difference(found: Tensor, reference: Tensor) -> float:
    """Largest difference, relative to the largest number of the reference."""
    difference = (found.cpu().double() - reference).abs().max()
    return float(difference / reference.abs().max())


def _loop(mode: str, problem: Problem) -> Route:
    # they import featomic and metatensor
    if mode == "torch_mixed":
        from ..baselines.torch_mixed import MixedLoop

        return Route(MixedLoop(problem.embedding, problem.system), _as_it_is)
    from ..baselines.per_pair_loop import PerPairLoop

    loop = PerPairLoop(problem.embedding, problem.system)
    return Route(loop, lambda result: torch.from_numpy(loop.coefficients(result)))


def _waiting(work: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """The work, and a wait for the GPU to finish it."""

    def run() -> Tensor:
        result = work()
        torch.cuda.synchronize()
        return result

    return run


def _as_it_is(result: Tensor) -> Tensor:
    return result
