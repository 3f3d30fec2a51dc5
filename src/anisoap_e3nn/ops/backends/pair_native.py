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

from ...tracing import is_differentiating, is_tracing
from . import backend_for, native


class PairInputs(NamedTuple):
    """Particles and edges of a potential of pairs."""

    types: Tensor  # int64 -> [particle]
    known_types: Tensor  # int64 -> [type]
    orientations: Tensor  # -> [particle, 4] or [particle, 3, 3]
    semiaxes: Tensor  # -> [particle, 3]
    edge_vectors: Tensor  # -> [edge, 3]
    edge_index: Tensor  # int64 -> [2, edge], both directions of each pair
    frames: Tensor | None = None  # int64 -> [particle]
    n_frames: int = 1


class PairResults(NamedTuple):
    """Sums over pairs."""

    energies: Tensor  # [particle]
    forces: Tensor  # [particle, 3]
    torques: Tensor  # [particle, 3], in the space frame
    virial: Tensor  # [frame, 3, 3]


class Products(NamedTuple):
    """Products of invariants: each is a shorter one times one more invariant."""

    shorter: NDArray[Any]  # int64 -> [product]
    factors: NDArray[Any]  # int64 -> [product]
    exchanged: NDArray[
        Any
    ]  # int64 -> [product], what each becomes when the particles are exchanged


def pair_potential(
    inputs: PairInputs,
    weights: Tensor,
    products: Products,
    *,
    n_radial: int,
    cutoff: float,
    decay_length: float,
    switch_width: float,
    thickness: float,
) -> PairResults | None:
    """Results of a :class:`~anisoap_e3nn.potentials.PairPotential`.

    Parameters
    ----------
    inputs : PairInputs
    weights : Tensor ``(weight,)``
    products : Products
    n_radial, cutoff, decay_length, switch_width
        Hyperparameters of the potential.
    thickness : float
        A length, whose square is added to the squares of the semi-axes.

    Returns
    -------
    PairResults or None
        None if this backend is not the one to use, or the input is to be refused.
    """
    parameters = (thickness, n_radial, *products, cutoff, decay_length, switch_width, weights)
    return _results("pair_potential", inputs, (weights,), parameters)


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
    constants = [x.to(inputs.semiaxes.dtype) for x in (epsilon, sigma, well_depths)]
    parameters = (*constants, is_sphere, *numbers)
    found = _results("gay_berne", inputs, tuple(constants), parameters)
    return None if found is None or found.energies.isnan().any() else found


def _results(
    name: str,
    inputs: PairInputs,
    constants: Sequence[Tensor],
    parameters: Sequence[Any],
) -> PairResults | None:
    if not _serves(inputs, constants):
        return None
    n, empty = len(inputs.types), inputs.semiaxes.new_empty
    results = PairResults(empty(n), empty(n, 3), empty(n, 3), empty(inputs.n_frames, 3, 3))
    module, bits = native._native, 64 if inputs.semiaxes.dtype == torch.float64 else 32
    arrays = getattr(module, f"PairArrays{bits}")(
        *(_array(value) for value in inputs[:-1]), *(_array(value) for value in results)
    )
    kernel = getattr(module, f"{name}_f{bits}")
    found = kernel(arrays, *(_array(value) for value in parameters), torch.get_num_threads())
    return results if found else None


def _serves(inputs: PairInputs, constants: Sequence[Tensor]) -> bool:
    """Whether the kernels take these tensors and their results need no graph."""
    types, _, orientations, semiaxes, edge_vectors, edge_index, frames, _ = inputs
    floats = (orientations, semiaxes, edge_vectors, *constants)
    if is_tracing() or is_differentiating(*floats) or backend_for(floats) != "native":
        return False
    n, n_edges, dtype = len(types), len(edge_vectors), semiaxes.dtype
    indices = (types, edge_index) if frames is None else (types, edge_index, frames)
    return (
        dtype in (torch.float32, torch.float64)
        and all(x.dtype == dtype for x in floats)
        and all(x.dtype == torch.int64 for x in indices)
        and types.shape == (n,)
        and semiaxes.shape == (n, 3)
        and orientations.shape in ((n, 4), (n, 3, 3))
        and edge_vectors.shape == (n_edges, 3)
        and edge_index.shape == (2, n_edges)
        and (frames is None or frames.shape == (n,))
    )


def _array(value: Any) -> Any:
    return value.detach().contiguous().numpy() if isinstance(value, Tensor) else value
