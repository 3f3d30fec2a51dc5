"""Forces, torques and virial against finite differences of the energy."""

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor

from ..potentials import mechanics
from .comparison import Comparison, scales_of
from .moves import displaced, strained, turned
from .results import output_of, random_numbers


def check_derivatives(
    model: Callable[[Any], Tensor],
    data: Any,
    *,
    step: float = 1e-5,
    tolerance: float = 1e-6,
    directions: int | None = None,
    generator: torch.Generator | None = None,
) -> float:
    r"""Check forces, torques and virial against central differences of the energy.

    .. math::
        -\sum_i f_i \cdot u_i = \frac{E(h u) - E(-h u)}{2 h}, \qquad
        r_i \to r_i + h u_i, \quad R_i \to e^{h [u_i]_\times} R_i \quad\text{or}\quad
        r \to (1 + h u) r, \; \text{cell along}

    with torques or the virial in place of f, and the step h. Derivatives of a potential's own
    (:class:`~anisoap_e3nn.potentials.Analytic`) are checked against its `forward`, and so are their energies.

    Parameters
    ----------
    model : Module or function
        From data to energies of the particles ``(N,)``.
    data : EllipsoidData or a Batch of them
        In float64, of particles that interact.
    step : float
        h, a length for positions, an angle, or a strain.
    tolerance : float
        Largest deviation, relative to the largest value of the quantity, and at least to a thousandth of the
        largest value of all.
    directions : int, optional
        Number of random directions u, of all particles at once, for each of the three; by default every
        coordinate by itself, which takes 12 N + 18 energies of a frame.
    generator : torch.Generator, optional
        Of the random directions; by default they are the same every time.

    Returns
    -------
    float
        Largest deviation from the finite differences.

    Raises
    ------
    AssertionError
        If a deviation exceeds the tolerance, with the quantity and its index.
    TypeError
        For data in single precision, which finite differences cannot resolve.

    Examples
    --------
    >>> from anisoap_e3nn.gay_berne import gay_berne_pairs, triaxial_gay_berne
    >>> (pair,), _, _ = gay_berne_pairs(sizes=(1, 0, 0), dtype=torch.float64)
    >>> check_derivatives(triaxial_gay_berne(cutoff=5.0), pair) < 1e-6
    True
    >>> check_derivatives(lambda data: data.pos.detach().square().sum(1), pair)
    Traceback (most recent call last):
    AssertionError: by finite differences, forces[1, 2] is -0.0, expected ...
    """
    if data.pos.dtype != torch.float64:
        raise TypeError(f"data are {data.pos.dtype}, expected torch.float64 for finite differences")
    result = mechanics(model, data)
    scales = scales_of(result._asdict())
    comparison = Comparison(tolerance)
    with torch.no_grad():
        energies = output_of(model, data)
    comparison.tensors(
        "energies", result.energies, energies, scales["energies"], "compared with the output alone"
    )
    random = random_numbers(generator)
    for name, move in (("forces", displaced), ("torques", turned), ("virial", strained)):
        found = getattr(result, name)
        derivative = partial(_derivative, model, data, move, step)
        if directions is None:
            expected, where = _by_coordinates(derivative, found), ""
        else:
            found, expected = _along_directions(derivative, found, directions, random)
            where = f", along {directions} random directions"
        scale = scales_of({name: expected})[name]
        occasion = "by finite differences" + where
        comparison.tensors(name, found, expected, max(scale, scales[name]), occasion)
    return comparison.largest


@torch.no_grad()
def _derivative(
    model: Callable[[Any], Tensor],
    data: Any,
    move: Callable[[Any, Tensor], Any],
    step: float,
    direction: Tensor,
) -> Tensor:
    """Negative derivative of the total energy along a direction."""
    direction = _symmetric(direction)
    up, down = (output_of(model, move(data, sign * step * direction)).sum() for sign in (1, -1))
    return -(up - down) / (2 * step)


def _by_coordinates(derivative: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
    derivatives = torch.zeros_like(values)
    for index in product(*map(range, values.shape)):
        direction = torch.zeros_like(values)
        direction[index] = 1
        derivatives[index] = derivative(direction)
    return derivatives


def _along_directions(
    derivative: Callable[[Tensor], Tensor], values: Tensor, n: int, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Values projected on random directions ``(n,)``, and the derivatives along them."""
    directions = [
        _symmetric(torch.randn(values.shape, dtype=values.dtype, generator=random).to(values))
        for _ in range(n)
    ]
    projected = [(values * direction).sum() for direction in directions]
    return torch.stack(projected), torch.stack([derivative(direction) for direction in directions])


def _symmetric(direction: Tensor) -> Tensor:
    """Symmetric part of strains ``(frame, 3, 3)``; other directions as they are."""
    return (direction + direction.mT) / 2 if direction.dim() == 3 else direction
