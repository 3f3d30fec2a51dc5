"""Least squares on energies, forces and torques together."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from math import nan
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .least_squares import TriangularFactor, solve_ridge
from .loss import TARGETS
from .mechanics import mechanics
from .stacked import StackedPotential


class RSquared(NamedTuple):
    r"""Coefficients of determination :math:`1 - \sum (y - \hat y)^2 / \sum (y - \bar y)^2`."""

    energy: float  # of the energies per particle
    forces: float
    torques: float


def fit_linear(
    potential: StackedPotential,
    frames: Iterable[Any],
    *,
    ridge: float = 1e-10,
    target_weights: Mapping[str, float] | None = None,
    batch_size: int = 64,
) -> RSquared:
    r"""Set the weights of a stack of linear components by least squares, with a ridge.

    .. math::
        \min_w \sum_{t \in \{E, F, \tau\}} \frac{\lambda_t}{\mathrm{var}(y_t)}
            \left\langle (y_t - X_t w)^2 \right\rangle + \alpha \sum_k s_k^2 w_k^2

    with energies per particle, and :math:`s_k^2` the weighted mean square of column k, so that the ridge
    does not depend on units. Frames are read once, batch by batch: a triangular factor is kept for each
    kind of target, updated by QR, so that memory does not grow with their number and no digits are lost to
    normal equations. All is done in float64.

    Parameters
    ----------
    potential : StackedPotential
        Its components are linear in their weights, which are overwritten.
    frames : iterable of EllipsoidData
        With `energy` ``(1,)``, and all of them or none with `forces` and with `torques` ``(N, 3)``. It may be
        a generator.
    ridge : float
        :math:`\alpha \ge 0`.
    target_weights : mapping, optional
        :math:`\lambda_t` for "energy", "forces" and "torques"; by default 1 each.
    batch_size : int
        Frames at a time.

    Returns
    -------
    RSquared
        On these very frames; see :func:`r_squared` for others.

    Raises
    ------
    TypeError
        For components that are not linear.
    ValueError
        Without frames or targets, and for targets that are missing in some frames or not finite.

    Examples
    --------
    >>> from anisoap_e3nn.data import gay_berne_pairs
    >>> from anisoap_e3nn.models import OneBodyPotential, PairPotential, fit_linear, r_squared
    >>> train, _, test = gay_berne_pairs(sizes=(300, 0, 100))
    >>> pair = PairPotential([0], cutoff=4.0, n_radial=6, max_degree=2, decay_length=1.0)
    >>> stack = StackedPotential([OneBodyPotential([0]), pair])
    >>> fitted = fit_linear(stack, train)
    >>> min(r_squared(stack, test)) > 0.98
    True
    """
    importance = _importance(target_weights)
    if not ridge >= 0:
        raise ValueError(f"ridge is {ridge}, expected ≥ 0")
    exact = copy.deepcopy(potential).double()
    factors = {target: TriangularFactor() for target in TARGETS}
    for batch in _batches(frames, batch_size):
        for target, (rows, values) in _rows(exact, batch).items():
            factors[target].add(rows, values)
    factors = {target: factor for target, factor in factors.items() if factor.n_rows > 0}
    if not factors:
        raise ValueError("expected one or more frames with targets, found none")
    stacked = torch.cat(
        [
            factor.triangle * (importance[target] / (factor.spread * factor.n_rows)) ** 0.5
            for target, factor in factors.items()
        ]
    )
    solution = solve_ridge(stacked, ridge)
    potential.set_linear_weights(solution)
    return RSquared(*(factors[t].r_squared(solution) if t in factors else nan for t in TARGETS))


def r_squared(potential: Any, frames: Iterable[Any], batch_size: int = 256) -> RSquared:
    """How well a potential predicts the energies, forces and torques of frames.

    Parameters
    ----------
    potential : StackedPotential, or any Module for :func:`~anisoap_e3nn.models.mechanics`
    frames : iterable of EllipsoidData
        With `energy`, and all or none of them with `forces` and with `torques`, in the potential's dtype.
    batch_size : int
        Frames at a time.

    Returns
    -------
    RSquared
        NaN for what the frames do not have.
    """
    pairs: dict[str, list[tuple[Tensor, Tensor]]] = {target: [] for target in TARGETS}
    for batch in _batches(frames, batch_size):
        result = mechanics(potential, batch)
        counts = _particle_counts(batch)
        pairs["energy"].append((result.energy / counts, batch.energy / counts))
        for target, predicted in (("forces", result.forces), ("torques", result.torques)):
            if target in batch:
                pairs[target].append((predicted, batch[target]))
    if not pairs["energy"]:
        raise ValueError("expected one or more frames, found none")
    return RSquared(*(_r_squared(pairs[target]) for target in TARGETS))


def _r_squared(pairs: list[tuple[Tensor, Tensor]]) -> float:
    if not pairs:
        return nan
    predicted, true = (torch.cat(x).detach().double() for x in zip(*pairs, strict=True))
    return float(1 - (predicted - true).square().sum() / (true - true.mean()).square().sum())


def _particle_counts(batch: Any) -> Tensor:
    counts: Tensor = batch.ptr.diff()
    return counts.clamp(min=1)  # frames without particles have no energy either -> [frame]


def _rows(potential: StackedPotential, batch: Any) -> dict[str, tuple[Tensor, Tensor]]:
    """Rows of the design matrix and values, for each target, of a potential in float64."""
    batch = batch.apply(lambda x: x.double() if x.is_floating_point() else x)
    with torch.no_grad():
        design = potential.design(batch)
    counts = _particle_counts(batch)
    rows = {"energy": (design.energies / counts[:, None], batch.energy / counts)}
    for target, of_particles in (("forces", design.forces), ("torques", design.torques)):
        if target in batch:
            rows[target] = (of_particles.flatten(0, 1), batch[target].flatten())
    return rows


def _batches(frames: Iterable[Any], batch_size: int) -> Iterator[Any]:
    """Batches of frames that have the same targets."""
    from torch_geometric.data import Batch

    targets: list[str] | None = None
    remaining = iter(frames)
    while some := list(islice(remaining, batch_size)):
        for frame in some:
            found = [target for target in TARGETS if target in frame]
            targets = found if targets is None else targets
            if found != targets or "energy" not in found:
                raise ValueError(
                    f"every frame needs an energy, and all or none have forces, and torques; found "
                    f"{targets} in the first and {found} in another"
                )
            for target in found:
                if not frame[target].isfinite().all():
                    raise ValueError(f"found a frame whose {target} are NaN or infinite")
        yield Batch.from_data_list(some)


def _importance(target_weights: Mapping[str, float] | None) -> dict[str, float]:
    given = dict(target_weights or {})
    if set(given) - set(TARGETS) or any(not 0 <= x < float("inf") for x in given.values()):
        raise ValueError(f"target_weights are {given}, expected numbers ≥ 0 for some of {TARGETS}")
    return dict.fromkeys(TARGETS, 1.0) | given
