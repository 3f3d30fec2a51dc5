"""Potentials of pairs as operations on torch's dispatcher, for compiled models.

They take one edge of each pair, give energies ``(particle,)``, forces and torques ``(particle, 3)``, and have
no derivatives. Compiled models call them by name and schema where there is no Python, too: change both only
together with ``interop/lammps/pair_style/operations.cpp``.
"""

from typing import Any

import torch
from torch import Tensor

from .pair_native import PairFunctions, PairInputs, PairResults, gay_berne, pair_potential

Terms = tuple[Tensor, Tensor, Tensor]

_INPUTS = (
    "Tensor types, Tensor known_types, Tensor quaternions, Tensor semiaxes, Tensor edge_vectors, "
    "Tensor edge_index"
)
_N_INPUTS = 6


@torch.library.custom_op(
    "anisoap_e3nn::gay_berne",
    mutates_args=(),
    device_types="cpu",
    schema=f"({_INPUTS}, Tensor epsilon, Tensor sigma, Tensor well_depths, Tensor is_sphere, float cutoff, "
    "float smoothing_width, float gamma, float upsilon, float mu, bool shift) -> (Tensor, Tensor, Tensor)",
)
def gay_berne_terms(*arguments: Any) -> Terms:
    """Terms of :class:`~anisoap_e3nn.gay_berne.GayBerne`."""
    inputs, parameters = _inputs(arguments), arguments[_N_INPUTS:]
    return _served(gay_berne(inputs, *parameters), "GayBerne")


@torch.library.custom_op(
    "anisoap_e3nn::pair_potential",
    mutates_args=(),
    device_types="cpu",
    schema=f"({_INPUTS}, Tensor weights, int n_types, float thickness, int n_radial, Tensor shorter, "
    "Tensor factors, Tensor exchanged, float cutoff, float decay_length, float switch_width, "
    "float smallest_gap, float floor_width) -> (Tensor, Tensor, Tensor)",
)
def pair_potential_terms(*arguments: Any) -> Terms:
    """Terms of :class:`~anisoap_e3nn.potentials.PairPotential`."""
    inputs, (weights, *fields) = _inputs(arguments), arguments[_N_INPUTS:]
    numbers: list[Any] = [x.numpy() if isinstance(x, Tensor) else x for x in fields]
    functions = PairFunctions(*numbers)
    return _served(pair_potential(inputs, functions, weights), "PairPotential")


@gay_berne_terms.register_fake
def _(types: Tensor, known_types: Tensor, quaternions: Tensor, *others: Any) -> Terms:
    return _empty(quaternions)


@pair_potential_terms.register_fake
def _(types: Tensor, known_types: Tensor, quaternions: Tensor, *others: Any) -> Terms:
    return _empty(quaternions)


def _inputs(arguments: tuple[Any, ...]) -> PairInputs:
    return PairInputs(*arguments[:_N_INPUTS])._replace(n_frames=0, once=True)


def _empty(quaternions: Tensor) -> Terms:
    n = quaternions.shape[0]
    return quaternions.new_empty(n), quaternions.new_empty(n, 3), quaternions.new_empty(n, 3)


def _served(results: PairResults | None, name: str) -> Terms:
    if results is None:
        raise ValueError(
            f"{name} refuses a particle or an edge, expected known types, finite quaternions that are not "
            "zero, semi-axes in range, and particles in different places"
        )
    return results.energies, results.forces, results.torques
