"""Networks and potentials from their names and arguments in a configuration."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch

from .. import networks, potentials
from ..arguments import nearest
from ..networks import MessagePassingPotential
from ..networks.options import MessagePassingOptions
from ..nn import suggest_hyperparameters
from ..potentials import (
    ManyBodyPotential,
    PairPotential,
    StackedPotential,
    SurfaceRepulsion,
    cutoff_of,
    load_model,
    smallest_gap,
)
from .settings import FitSettings, NetworkSettings


def build_network(settings: NetworkSettings, types: Sequence[int]) -> MessagePassingPotential:
    """Build a network.

    Raises
    ------
    ValueError
        If the network or a hyperparameter is unknown; the message names the nearest one.
    """
    known = _classes(networks, MessagePassingPotential)
    network = _named(settings.name, known, "network.name")
    keywords = [*_keywords(network), *MessagePassingOptions.__annotations__]
    _refuse_unknown(settings.hyperparameters, keywords, "network.hyperparameters")
    return _built(network, types, settings.hyperparameters, "network.hyperparameters")


_OF_DENSITY = {"max_angular", "max_radial", "radial_gaussian_width", "density_width"}


def build_stack(
    settings: FitSettings, types: Sequence[int], frames: Sequence[Any]
) -> tuple[StackedPotential, list[str]]:
    """Build a stack of linear potentials, bounded at overlap if the settings ask for it.

    Returns
    -------
    stack : StackedPotential
    reasons : list of str
        Why many-body potentials whose density the settings leave open have the one that they have.

    Raises
    ------
    ValueError
        If a potential or an argument is unknown or missing; the message names the nearest one.
    """
    known = {k: v for k, v in _classes(potentials, torch.nn.Module).items() if _is_linear(v)}
    parts: list[torch.nn.Module] = []
    reasons = []
    for number, component in enumerate(settings.components):
        where, arguments = f"components[{number}]", dict(component)
        if "name" not in arguments:
            raise ValueError(f"{where} is {component}, expected a name, one of {', '.join(known)}")
        potential = _named(str(arguments.pop("name")), known, f"{where}.name")
        _refuse_unknown(arguments, _keywords(potential), where)
        if potential is PairPotential and settings.repulsion and "cutoff" in arguments:
            arguments.setdefault("smallest_gap", smallest_gap(frames, arguments["cutoff"]))
        if (
            potential is ManyBodyPotential
            and _OF_DENSITY.isdisjoint(arguments)
            and "cutoff" in arguments
        ):
            suggested, reason = suggest_hyperparameters(frames, arguments["cutoff"])
            arguments |= suggested
            reasons.append(f"{where}: {reason}")
        parts.append(_built(potential, types, arguments, where))
    if not parts:
        raise ValueError("components is empty, expected one or more potentials")
    if settings.repulsion:
        parts += repulsion_of(frames, max((cutoff_of(part) or 0.0 for part in parts), default=0.0))
    return StackedPotential(parts), reasons


def fixed_part(
    settings: NetworkSettings, frames: Sequence[Any], dtype: torch.dtype
) -> list[torch.nn.Module]:
    """Models that are held fixed beneath a network: the base, or a repulsion."""
    if settings.base is not None:
        return [load_model(settings.base).to(dtype).requires_grad_(False)]
    cutoff = settings.hyperparameters["cutoff"]
    return [x.to(dtype) for x in repulsion_of(frames, cutoff)] if settings.repulsion else []


def repulsion_of(frames: Sequence[Any], cutoff: float) -> list[torch.nn.Module]:
    """A repulsion of surfaces that the forces of the frames suggest; without a cutoff none.

    Raises
    ------
    ValueError
        If the frames have no forces.
    """
    if "forces" not in frames[0]:
        raise ValueError(
            "found frames without forces, which suggest no repulsion; give repulsion: false"
        )
    return [SurfaceRepulsion.of_frames(frames, cutoff)] if cutoff > 0 else []


def _is_linear(kind: type) -> bool:
    return hasattr(kind, "design") and kind not in (StackedPotential, SurfaceRepulsion)


def _classes(module: Any, base: type) -> dict[str, type]:
    found = {name: getattr(module, name) for name in module.__all__}
    return {
        name: value
        for name, value in found.items()
        if inspect.isclass(value) and issubclass(value, base) and not inspect.isabstract(value)
    }


def _named(name: str, known: dict[str, type], where: str) -> Any:
    if name not in known:
        raise ValueError(f"{where} is {name!r}; {nearest(name, list(known))}")
    return known[name]


def _keywords(kind: type) -> list[str]:
    parameters = inspect.signature(kind).parameters.items()
    return [k for k, p in parameters if p.kind != p.VAR_KEYWORD and k != "types"]


def _refuse_unknown(arguments: dict[str, Any], known: Sequence[str], where: str) -> None:
    for name in arguments:
        if name not in known:
            raise ValueError(f"found the unknown key {name!r} in {where}; {nearest(name, known)}")


def _built(kind: Any, types: Sequence[int], arguments: dict[str, Any], where: str) -> Any:
    required = [
        k
        for k, p in inspect.signature(kind).parameters.items()
        if p.default is p.empty and p.kind != p.VAR_KEYWORD and k != "types"
    ]
    missing = [name for name in required if name not in arguments]
    if missing:
        raise ValueError(f"{where} lacks {', '.join(missing)}, which {kind.__name__} needs")
    try:
        return kind(types, **arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from error
