"""Hyperparameters that all networks share, as keywords of their constructors."""

import inspect
from collections.abc import Iterable, Sequence
from typing import TypedDict

from typing_extensions import Never


class MessagePassingOptions(TypedDict, total=False):
    """Optional hyperparameters of all networks, documented in :class:`MessagePassingPotential`."""

    max_angular: int
    max_radial: int | Sequence[int] | None
    radial_gaussian_width: float | Sequence[float] | None
    density_width: float
    include_self: bool | str
    max_angular_edges: int | None
    n_radial: int
    radial_layers: Sequence[int]
    edge_orientations: bool


def refuse_hyperparameters(unknown: Iterable[str], network: type) -> Never:
    """Raise a TypeError that names the network and the hyperparameters that it has.

    Parameters
    ----------
    unknown : iterable of str
        Keywords that the constructor was given and does not have.
    network : type
    """
    own = [k for k, p in inspect.signature(network).parameters.items() if p.kind != p.VAR_KEYWORD]
    known = dict.fromkeys([*own, *MessagePassingOptions.__annotations__])
    raise TypeError(
        f"{network.__name__} has no hyperparameter {', '.join(map(repr, unknown))}; expected some of "
        f"{', '.join(known)}"
    )
