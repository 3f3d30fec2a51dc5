"""Continuity where a neighbour crosses the cutoff."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from ..graph import edge_vectors, neighbor_list
from ..potentials import cutoff_of, mechanics
from ..potentials.stacked import terms_of
from .comparison import Comparison, scales_of
from .moves import replaced
from .results import Results, random_numbers

_POINTS = (1, 2, 3)  # steps from the cutoff, on either side
_VALUE = (3.0, -3.0, 1.0)  # weights of the value at the cutoff, extrapolated from these points
_FIRST_DERIVATIVE = (-2.5, 4.0, -1.5)  # and of the derivative there, away from the cutoff
_QUANTITIES = ("energy", "energies", "forces", "torques")
_N_DIRECTIONS = 32


def check_smoothness(
    model: Callable[[Any], Tensor],
    data: Any,
    cutoff: float | None = None,
    *,
    order: int = 1,
    step: float = 1e-4,
    tolerance: float = 1e-5,
    generator: torch.Generator | None = None,
) -> float:
    r"""Check that energies and forces are continuous where a neighbour crosses the cutoff.

    The second particle of a pair is put at distances :math:`r_{cut} \pm k h` of the first, k = 1, 2, 3, with
    the step h, in a direction in which it stays away from others. Limits are extrapolated from either side:

    .. math::
        x(r_{cut}^\pm) &= 3 x_{\pm 1} - 3 x_{\pm 2} + x_{\pm 3} + O(h^3) \\
        x'(r_{cut}^\pm) &= \pm \left( -5 x_{\pm 1} + 8 x_{\pm 2} - 3 x_{\pm 3} \right) / 2h + O(h^2)

    They are the same from both sides for x that are continuous, or have continuous derivatives.

    Parameters
    ----------
    model : Module or function
        From data to energies of the particles ``(N,)``.
    data : EllipsoidData
        In float64, one frame of particles that interact, of all types that the model should be checked for:
        there is one pair for any two types.
    cutoff : float, optional
        A length; by default that of the model, or of each component of a stack.
    order : int
        Derivatives of the energy that are continuous: 0 for energies alone, 1 for forces and torques too, 2
        for the derivatives of those along the way.
    step : float
        h, a length over which energies change little.
    tolerance : float
        Largest jump, relative to the largest value of the quantity, in this frame or on the way, and at least
        to a thousandth of the largest value of all.
    generator : torch.Generator, optional
        Of the directions; by default they are the same every time.

    Returns
    -------
    float
        Largest jump.

    Raises
    ------
    AssertionError
        If a jump exceeds the tolerance, with the cutoff, the pair, the quantity and its index.
    ValueError
        Without a cutoff, for frames of fewer than two particles, and for other orders.

    Examples
    --------
    >>> from anisoap_e3nn.gay_berne import gay_berne_pairs, triaxial_gay_berne
    >>> (pair,), _, _ = gay_berne_pairs(sizes=(1, 0, 0), dtype=torch.float64)
    >>> check_smoothness(triaxial_gay_berne(cutoff=4.0, smoothing_width=1.0), pair, order=2) < 1e-5
    True
    >>> check_smoothness(triaxial_gay_berne(cutoff=3.0), pair, order=0)
    Traceback (most recent call last):
    AssertionError: where particles 0 and 1 are 3.0 apart, energy[0] is ...
    """
    if order not in (0, 1, 2):
        raise ValueError(f"order is {order}, expected 0, 1 or 2")
    n_frames = len(data.cell)
    if n_frames != 1 or len(data.types) < 2:
        raise ValueError(
            f"found {len(data.types)} particles in {n_frames} frames, expected two or more in one"
        )
    random = random_numbers(generator)
    comparison = Comparison(tolerance)
    here = mechanics(model, data)._asdict()
    for distance in _cutoffs(model) if cutoff is None else [float(cutoff)]:
        for pair in _pairs(data.types):
            direction = _free_direction(data, pair, distance, random)
            inside, outside = (
                [_results_at(model, data, pair, direction, distance, s * k * step) for k in _POINTS]
                for s in (-1, 1)
            )
            scales = scales_of(here, *inside, *outside)
            occasion = f"where particles {pair[0]} and {pair[1]} are {distance} apart"
            for name in _QUANTITIES[: 2 * min(order, 1) + 2]:
                below, above = (_combined(_VALUE, side, name) for side in (inside, outside))
                comparison.tensors(name, below, above, scales[name], occasion)
            for name in _QUANTITIES[2:] if order == 2 else ():
                below = _combined(_FIRST_DERIVATIVE, inside, name) / -step
                above = _combined(_FIRST_DERIVATIVE, outside, name) / step
                scale = max(scales[name], float(below.abs().max()), float(above.abs().max()))
                comparison.tensors(f"derivatives of {name}", below, above, scale, occasion)
    return comparison.largest


def _cutoffs(model: Callable[[Any], Tensor]) -> list[float]:
    found = {cutoff for term in terms_of(model) if (cutoff := cutoff_of(term)) is not None}
    if not found:
        raise ValueError("the model has no cutoff: give the distance to check")
    return sorted(found)


def _pairs(types: Tensor) -> list[tuple[int, int]]:
    """The first pair of particles for any two types."""
    of_particles = types.tolist()
    pairs: dict[tuple[int, ...], tuple[int, int]] = {}
    for i, j in combinations(range(len(of_particles)), 2):
        pairs.setdefault(tuple(sorted((of_particles[i], of_particles[j]))), (i, j))
    return list(pairs.values())


def _free_direction(
    data: Any, pair: tuple[int, int], distance: float, random: torch.Generator
) -> Tensor:
    """The one of some random directions in which the second particle is farthest from all others."""
    directions = torch.randn(_N_DIRECTIONS, 3, dtype=torch.float64, generator=random)
    directions = torch.nn.functional.normalize(directions).to(data.pos)

    def distance_to_others(direction: Tensor) -> float:
        pos = _moved(data.pos, pair, 0.999 * distance * direction)
        edge_index, shifts = neighbor_list(pos, distance, cell=data.cell, pbc=data.pbc)
        vectors = edge_vectors(pos, edge_index, shifts, data.cell)
        return float(vectors[edge_index[1] == pair[1]].norm(dim=1).min())

    return max(directions, key=distance_to_others)


def _results_at(
    model: Callable[[Any], Tensor],
    data: Any,
    pair: tuple[int, int],
    direction: Tensor,
    cutoff: float,
    offset: float,
) -> Results:
    """Mechanics with the second particle of the pair at the cutoff plus an offset of the first."""
    moved = replaced(data, pos=_moved(data.pos, pair, (cutoff + offset) * direction))
    if "edge_index" in data:
        moved = moved.with_edges(float(data.edge_cutoff.max()) if "edge_cutoff" in data else cutoff)
    return mechanics(model, moved)._asdict()


def _moved(pos: Tensor, pair: tuple[int, int], vector: Tensor) -> Tensor:
    """Positions with the second particle of the pair at a vector from the first."""
    pos = pos.clone()
    pos[pair[1]] = pos[pair[0]] + vector
    return pos


def _combined(weights: tuple[float, ...], results: list[Results], name: str) -> Tensor:
    terms = [w * x[name] for w, x in zip(weights, results, strict=True)]
    return torch.stack(terms).sum(0)
