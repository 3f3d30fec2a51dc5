"""Least-squares fits to energies, forces and torques, and their quality."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from math import nan
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..arguments import not_negative
from ..data.batches import frame_iterable, iterate_batches
from ..data.targets import (
    TARGETS,
    Targets,
    target_values,
    target_weights,
    weights_of_targets,
)
from ..potentials import StackedPotential, mechanics
from ..precision import without_autocast
from .least_squares import TriangularFactor, solve_ridge


class RSquared(NamedTuple):
    r"""Coefficients of determination :math:`1 - \sum (y - \hat y)^2 / \sum (y - \bar y)^2`."""

    energy: float  # energies per particle
    forces: float
    torques: float


@without_autocast
def fit_linear(
    potential: StackedPotential,
    frames: Iterable[Any],
    *,
    ridge: float = 1e-10,
    target_weights: Mapping[str, float] | None = None,
    batch_size: int = 64,
) -> RSquared:
    r"""Set the weights of a stack of linear potentials by ridge regression.

    .. math::
        \min_w \sum_{t \in \{E, F, \tau\}} \frac{\lambda_t}{\mathrm{var}(y_t)}
            \left\langle (y_t - y_t^0 - X_t w)^2 \right\rangle + \alpha \sum_k s_k^2 w_k^2

    Energies are per particle. :math:`y_t^0` is the sum of the stack's
    :attr:`~anisoap_e3nn.potentials.StackedPotential.fixed` components, such as a
    :class:`~anisoap_e3nn.potentials.SurfaceRepulsion`. Means and variances are weighted by the
    `frame_weight` of the frames, where they have one. :math:`s_k^2` is the weighted mean square of column k,
    so the ridge does not depend on units.

    Frames are read once, batch by batch. A QR factor is updated for each target: memory does not grow with
    the number of frames, and no digits are lost to normal equations. The fit is computed in float64.

    Parameters
    ----------
    potential : StackedPotential
        Stack of components linear in their weights, and fixed ones. The weights are overwritten.
    frames : iterable of EllipsoidData
        Frames with one or more of `energy` ``(1,)``, `forces` ``(N, 3)`` and `torques` ``(N, 3)``, the same
        in all frames, and possibly a `frame_weight` ``(1,)``. A generator will do.
    ridge : float
        :math:`\alpha \ge 0`.
    target_weights : mapping, optional
        :math:`\lambda_t` for "energy", "forces" and "torques"; by default 1 each.
    batch_size : int
        Number of frames in a batch.

    Returns
    -------
    RSquared
        Coefficients of determination on these frames; see :func:`r_squared` for other frames.

    Raises
    ------
    TypeError
        If a component that is not fixed is not linear in its weights.
    ValueError
        If there are no frames, all components are fixed, a target is missing in some frames or not finite, or
        the ridge is negative.

    Examples
    --------
    >>> from anisoap_e3nn.gay_berne import gay_berne_pairs
    >>> from anisoap_e3nn.potentials import OneBodyPotential, PairPotential
    >>> from anisoap_e3nn.fitting import fit_linear, r_squared
    >>> train, _, test = gay_berne_pairs(sizes=(300, 0, 100))
    >>> pair = PairPotential([0], cutoff=4.0, n_radial=6, max_degree=2, decay_length=1.0)
    >>> stack = StackedPotential([OneBodyPotential([0]), pair])
    >>> fitted = fit_linear(stack, train)
    >>> min(r_squared(stack, test)) > 0.98
    True
    """
    weights = weights_of_targets("target_weights", target_weights)
    ridge = not_negative("ridge", ridge)
    if not callable(getattr(potential, "set_linear_weights", None)):
        raise TypeError(f"potential is {potential!r:.100}, expected a StackedPotential")
    exact = copy.deepcopy(potential).double()
    factors: dict[str, TriangularFactor] = {}
    for batch, names in _checked_batches(frames, batch_size):
        for name, rows in _rows(exact, batch, names).items():
            factors.setdefault(name, TriangularFactor()).add(*rows)
    stacked = torch.cat(
        [
            factor.triangle
            * (weights[target] / (factor.spread * (factor.total_weight or 1.0))) ** 0.5
            for target, factor in factors.items()
        ]
    )
    solution = solve_ridge(stacked, ridge)
    potential.set_linear_weights(solution)
    return RSquared(*(factors[t].r_squared(solution) if t in factors else nan for t in TARGETS))


def r_squared(potential: Any, frames: Iterable[Any], batch_size: int = 256) -> RSquared:
    """Coefficients of determination of a potential on energies, forces and torques; all frames weigh 1.

    Parameters
    ----------
    potential : Module or function
        From data to energies of the particles ``(N,)``.
    frames : iterable of EllipsoidData
        Frames with targets as for :func:`fit_linear`, in the dtype of the potential.
    batch_size : int
        Number of frames in a batch.

    Returns
    -------
    RSquared
        NaN for targets that the frames do not have.

    Raises
    ------
    ValueError
        If there are no frames, or a target is missing in some frames or not finite.
    """
    pairs: dict[str, list[tuple[Tensor, Tensor]]] = {}
    for batch, names in _checked_batches(frames, batch_size):
        result = mechanics(potential, batch)
        for name in names:
            both = target_values(result, name, batch), target_values(batch, name, batch)
            pairs.setdefault(name, []).append(both)
    return RSquared(*(_r_squared(pairs[name]) if name in pairs else nan for name in TARGETS))


def _r_squared(pairs: list[tuple[Tensor, Tensor]]) -> float:
    predicted, true = (torch.cat(x).detach().double() for x in zip(*pairs, strict=True))
    return float(1 - (predicted - true).square().sum() / (true - true.mean()).square().sum())


def _rows(
    potential: StackedPotential, batch: Any, names: list[str]
) -> dict[str, tuple[Tensor, Tensor, Tensor | None, Tensor]]:
    """Rows of the design matrix, values, values of the fixed components and weights, by target."""
    batch = batch.apply(lambda x: x.double() if x.is_floating_point() else x)
    with torch.no_grad():
        design = potential.design(batch)
    known = mechanics(StackedPotential(potential.fixed), batch) if potential.fixed else None
    return {
        name: (
            target_values(design, name, batch).flatten(0, -2),
            target_values(batch, name, batch).flatten(),
            None if known is None else target_values(known, name, batch).flatten(),
            target_weights(name, batch).flatten(),
        )
        for name in names
    }


def _checked_batches(frames: Iterable[Any], batch_size: int) -> Iterator[tuple[Any, list[str]]]:
    """Batches of frames with checked targets, and the names of the targets."""
    targets = Targets()
    frames = frame_iterable(frames)

    def checked() -> Iterator[Any]:
        for frame in frames:
            targets.add(frame)
            yield frame

    for batch in iterate_batches(checked(), batch_size):
        yield batch, targets.names
    if targets.n_frames == 0:
        raise ValueError("found no frames, expected one or more frames with targets")
