"""Errors of a model on frames, by target, type and nearest contact."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..data.batches import frame_iterable
from ..data.symmetric_tops import visible_torques
from ..data.targets import Targets, target_values
from ..potentials import cutoff_of, mechanics
from ..potentials.pair.gaps import pair_gaps


class Errors(NamedTuple):
    """Errors of one target, in the data's units; energies are per particle."""

    target: str
    type: int | None  # None for all types together
    n: int  # frames, or particles
    r_squared: float
    rmse: float  # root mean square over components
    mae: float  # mean absolute over components
    largest: float  # largest absolute error of a component
    frame: int  # where it is
    particle: int | None  # within the frame; None for energies


class ContactErrors(NamedTuple):
    """Error of the forces of particles whose nearest neighbour's surface is in a range of gaps."""

    gap: tuple[float, float]  # a length
    n: int  # particles
    rmse: float
    size: float  # root mean square of the forces themselves


class Evaluation(NamedTuple):
    """Result of :func:`evaluate`."""

    errors: list[Errors]
    contacts: list[ContactErrors]  # empty without forces or neighbours
    true: dict[str, Tensor]  # by target, (frame,) or (N, 3)
    predicted: dict[str, Tensor]


def evaluate(model: Callable[[Any], Tensor], frames: Iterable[Any], n_gaps: int = 6) -> Evaluation:
    """Compare a model with the targets of frames.

    Torques about axes of symmetry are left out on both sides, since no model of the shapes sees them
    (:func:`~anisoap_e3nn.data.visible_torques`).

    Parameters
    ----------
    model : Module or function
        From data to energies of the particles ``(N,)``.
    frames : iterable of EllipsoidData
        Frames with one or more of `energy`, `forces` and `torques`, in the dtype of the model.
    n_gaps : int
        Number of ranges of gaps, with as many particles each.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError
        If there are no frames, or targets are missing in some frames or not finite.

    Examples
    --------
    >>> from anisoap_e3nn.gay_berne import gay_berne_pairs, triaxial_gay_berne
    >>> found = evaluate(triaxial_gay_berne(cutoff=4.0), gay_berne_pairs(sizes=(20, 0, 0)).train)
    >>> [(each.target, round(each.r_squared, 6)) for each in found.errors]
    [('energy', 1.0), ('forces', 1.0), ('torques', 1.0)]
    """
    frames = list(frame_iterable(frames))
    targets = Targets()
    for frame in frames:
        targets.add(frame)
    if not frames:
        raise ValueError("found no frames, expected one or more frames with targets")
    found: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in targets.names}
    for frame in frames:
        result = mechanics(model, frame)
        for name in targets.names:
            both = [target_values(x, name, frame).detach().double() for x in (frame, result)]
            if name == "torques":
                both = [visible_torques(x, frame.clone().apply(_double)) for x in both]
            found[name].append((both[0], both[1]))
    true = {name: torch.cat([x for x, _ in pairs]) for name, pairs in found.items()}
    predicted = {name: torch.cat([x for _, x in pairs]) for name, pairs in found.items()}
    types = torch.cat([frame.types for frame in frames])
    errors = []
    for name in targets.names:
        errors.append(_errors(name, None, true[name], predicted[name], frames))
        of_types = types.unique().tolist() if name != "energy" else []
        for type_ in of_types if len(of_types) > 1 else []:
            kept = types == type_
            errors.append(_errors(name, type_, true[name], predicted[name], frames, kept))
    cutoff = cutoff_of(model)
    contacts = []
    if "forces" in true and cutoff is not None:
        gaps = torch.cat([_nearest_gaps(frame, cutoff) for frame in frames])  # -> [particle]
        contacts = _by_contact(gaps, true["forces"], predicted["forces"], n_gaps)
    return Evaluation(errors, contacts, true, predicted)


def _errors(
    name: str,
    type_: int | None,
    true: Tensor,
    predicted: Tensor,
    frames: list[Any],
    kept: Tensor | None = None,
) -> Errors:
    errors = (predicted - true).view(len(true), -1).abs()  # -> [frame or particle, component]
    mask = torch.ones(len(true), dtype=torch.bool) if kept is None else kept
    some, values = errors[mask], true[mask]
    worst = int(errors.amax(1).where(mask, -1.0).argmax())
    frame, particle = worst, None
    if name != "energy":
        counts = torch.tensor([len(x.types) for x in frames])
        frame = int(torch.searchsorted(counts.cumsum(0), worst, right=True))
        particle = worst - int(counts[:frame].sum())
    variance = (values - values.mean()).square().sum()
    return Errors(
        name,
        type_,
        int(mask.sum()),
        float(1 - some.square().sum() / variance),
        float(some.square().mean().sqrt()),
        float(some.mean()),
        float(some.max()),
        frame,
        particle,
    )


def _nearest_gaps(frame: Any, cutoff: float) -> Tensor:
    """Smallest gap of each particle ``(N,)``; infinite without neighbours."""
    gaps, ends = pair_gaps(frame, cutoff)
    none = gaps.new_full((len(frame.types),), torch.inf)
    return none.scatter_reduce(0, ends.flatten(), gaps.repeat(2), "amin")


def _by_contact(gaps: Tensor, true: Tensor, predicted: Tensor, n_gaps: int) -> list[ContactErrors]:
    near = gaps.isfinite()
    if not near.any():
        return []
    gaps, true, predicted = gaps[near], true[near], predicted[near]
    order, found = gaps.argsort(), []
    for some in order.tensor_split(min(n_gaps, len(order))):
        limits = float(gaps[some].min()), float(gaps[some].max())
        rmse = (predicted[some] - true[some]).square().mean().sqrt()
        size = true[some].square().mean().sqrt()
        found.append(ContactErrors(limits, len(some), float(rmse), float(size)))
    return found


def _double(x: Tensor) -> Tensor:
    return x.double() if x.is_floating_point() else x
