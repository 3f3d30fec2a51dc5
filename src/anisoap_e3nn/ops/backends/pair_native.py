"""Backend ``native`` for potentials of pairs: energies, forces, torques and virial in one call.

The definitions in plain torch are :class:`~anisoap_e3nn.potentials.PairPotential` and
:class:`~anisoap_e3nn.gay_berne.GayBerne` themselves. They serve where results have a graph, and where
input is to be refused: the functions here return None then, and the definition says what is wrong.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor

from ...tracing import is_differentiating
from . import native
from .native_inputs import native_takes


class PairInputs(NamedTuple):
    """Particles and edges of a potential of pairs."""

    types: Tensor  # int64 -> [particle]
    known_types: Tensor  # int64 -> [type]
    orientations: Tensor  # -> [particle, 4] or [particle, 3, 3]
    semiaxes: Tensor  # -> [particle, 3]
    edge_vectors: Tensor  # -> [edge, 3]
    edge_index: Tensor  # int64 -> [2, edge]
    frames: Tensor | None = None  # int64 -> [particle]
    n_frames: int = 1  # 0 for no virial
    once: bool = False  # whether each pair has one edge, in either direction, instead of two


class PairResults(NamedTuple):
    """Sums over pairs."""

    energies: Tensor  # [particle]
    forces: Tensor  # [particle, 3]
    torques: Tensor  # [particle, 3], in the space frame
    virial: Tensor  # [frame, 3, 3]


class PairFunctions(NamedTuple):
    """Functions of a :class:`~anisoap_e3nn.potentials.PairPotential`.

    Each product of invariants is a shorter one times one more invariant.
    """

    n_types: int
    thickness: float  # a length, whose square is added to the squares of the semi-axes
    n_radial: int
    shorter: NDArray[Any]  # int64 -> [product]
    factors: NDArray[Any]  # int64 -> [product]
    exchanged: NDArray[
        Any
    ]  # int64 -> [product], what each becomes when the particles are exchanged
    cutoff: float
    decay_length: float
    switch_width: float
    smallest_gap: float
    floor_width: float


def pair_potential(
    inputs: PairInputs, functions: PairFunctions, weights: Tensor
) -> PairResults | None:
    """Results of a pair potential with weights ``(weight,)``.

    Returns
    -------
    PairResults or None
        None if this backend is not the one to use, or the input is to be refused.
    """
    if not _serves(inputs, (weights,)):
        return None
    results = _empty(inputs)
    basis = _class("PairBasis", inputs)(*functions)
    return results if basis.derivatives(*_arguments(inputs, results, weights)) else None


def pair_design(
    inputs: PairInputs, functions: PairFunctions, n_weights: int
) -> tuple[Tensor, Tensor, Tensor] | None:
    """Design matrix of a pair potential.

    Returns
    -------
    tuple of Tensor, or None
        Derivatives with respect to the weights of the energies of frames ``(frame, weight)``, and of forces
        and torques ``(particle, 3, weight)`` each; None as for :func:`pair_potential`.
    """
    if not _serves(inputs, ()):
        return None
    n, zeros = len(inputs.types), inputs.semiaxes.new_zeros
    energies = zeros(inputs.n_frames, n_weights)
    forces, torques = (zeros(n, 3, n_weights) for _ in range(2))
    basis, arrays = _class("PairBasis", inputs)(*functions), _arrays(inputs)
    rows = (energies.numpy(), forces.numpy(), torques.numpy())
    found = basis.design(arrays, *rows, torch.get_num_threads())
    return (energies, forces, torques) if found else None


def gay_berne(
    inputs: PairInputs,
    epsilon: Tensor,
    sigma: Tensor,
    well_depths: Tensor,
    is_sphere: Tensor,
    *numbers: float,
) -> PairResults | None:
    """Results of a :class:`~anisoap_e3nn.gay_berne.GayBerne` potential.

    Parameters
    ----------
    inputs : PairInputs
    epsilon, sigma : Tensor ``(type, type)``
    well_depths : Tensor ``(type, 3)``
    is_sphere : Tensor ``(type,)``, bool
    *numbers
        `cutoff`, `smoothing_width`, `gamma`, `upsilon`, `mu` and `shift`.

    Returns
    -------
    PairResults or None
        As for :func:`pair_potential`; None for energies that are NaN, too.
    """
    if not _serves(inputs, ()) or is_differentiating(epsilon, sigma, well_depths):
        return None
    constants = [x.to(inputs.semiaxes) for x in (epsilon, sigma, well_depths)]
    results = _empty(inputs)
    run = _class("gay_berne", inputs)
    found = run(*_arguments(inputs, results, *constants, is_sphere, *numbers))
    return results if found and not results.energies.isnan().any() else None


def _empty(inputs: PairInputs) -> PairResults:
    n, empty = len(inputs.types), inputs.semiaxes.new_empty
    return PairResults(empty(n), empty(n, 3), empty(n, 3), empty(inputs.n_frames, 3, 3))


def _arguments(inputs: PairInputs, results: PairResults, *parameters: Any) -> tuple[Any, ...]:
    """Arguments of a kernel: particles and edges, memory for results, parameters, number of threads."""
    out = _class("PairOutputs", inputs)(*(value.numpy() for value in results))
    return (_arrays(inputs), out, *map(_array, parameters), torch.get_num_threads())


def _arrays(inputs: PairInputs) -> Any:
    return _class("PairArrays", inputs)(*map(_array, inputs))


def _class(name: str, inputs: PairInputs) -> Any:
    """Name in the extension, in the precision of the inputs."""
    return getattr(
        native._native, name + ("64" if inputs.semiaxes.dtype == torch.float64 else "32")
    )


def _serves(inputs: PairInputs, constants: Sequence[Tensor]) -> bool:
    types, _, *particles, frames = inputs[:7]
    fits = frames is None or (frames.dtype == torch.int64 and frames.shape == types.shape)
    return fits and native_takes(types, *particles, *constants)


def _array(value: Any) -> Any:
    return value.detach().contiguous().numpy() if isinstance(value, Tensor) else value
