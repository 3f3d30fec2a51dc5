"""Training targets: energies, forces and torques of frames."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..arguments import not_negative
from ..graph import particle_counts

TARGETS = ("energy", "forces", "torques")


class Targets:
    """Check of the training targets of frames: all frames must have the same targets.

    ===========  ===========  ==========================================
    name         shape        unit
    ===========  ===========  ==========================================
    ``energy``   ``(1,)``     energy of the whole frame
    ``forces``   ``(N, 3)``   energy / length
    ``torques``  ``(N, 3)``   energy / radian, about the centre of each
                              particle, along the axes of space
    ===========  ===========  ==========================================

    Attributes
    ----------
    names : list of str
        Targets of the frames, in the order above; empty before the first frame.
    n_frames : int
        Number of frames added.

    Examples
    --------
    >>> from anisoap_e3nn.gay_berne import gay_berne_pairs
    >>> targets = Targets()
    >>> for frame in gay_berne_pairs(sizes=(3, 0, 0)).train:
    ...     targets.add(frame)
    >>> targets.names
    ['energy', 'forces', 'torques']
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.n_frames = 0
        self._dtype: torch.dtype | None = None

    def add(self, frame: Any) -> None:
        """Check the targets of one more frame.

        Parameters
        ----------
        frame : EllipsoidData

        Raises
        ------
        ValueError
            If the frame has other targets than the frames before, or a target has the wrong shape or
            is not finite.
        TypeError
            If the frame or a target has another dtype than the first frame.
        """
        number, self.n_frames = self.n_frames, self.n_frames + 1
        if not isinstance(getattr(frame, "pos", None), Tensor):
            raise TypeError(f"frame {number} is {frame!r:.100}, expected an EllipsoidData")
        names = [name for name in TARGETS if name in frame]
        if number == 0:
            self.names, self._dtype = names, frame.pos.dtype
        if names != self.names or "energy" not in names:
            raise ValueError(
                f"found {names} in frame {number} and {self.names} in the first frame, expected an "
                "energy in every frame, and forces and torques each in all or none of them"
            )
        n = len(frame.pos)
        for name in names:
            if not isinstance(frame[name], Tensor):
                raise TypeError(
                    f"{name} of frame {number} is a {type(frame[name]).__name__}, expected a tensor"
                )
            values, shape = frame[name], (1,) if name == "energy" else (n, 3)
            if tuple(values.shape) != shape:
                raise ValueError(
                    f"{name} of frame {number} has shape {tuple(values.shape)}, expected {shape} for "
                    f"{n} particles"
                )
            if not values.isfinite().all():
                raise ValueError(
                    f"{name} of frame {number} is NaN or infinite, expected finite numbers"
                )
        dtypes = {name: frame[name].dtype for name in ("pos", *names)}
        if set(dtypes.values()) != {self._dtype}:
            raise TypeError(
                f"found dtypes {dtypes} in frame {number}, expected {self._dtype}, the dtype of the "
                "first frame"
            )


def target_values(source: Any, name: str, data: Any) -> Tensor:
    """Values of one target; energies are divided by the number of particles.

    Parameters
    ----------
    source : EllipsoidData, a Batch of them, Mechanics or Design
        Object with the values as an attribute.
    name : str
        One of :data:`TARGETS`.
    data : EllipsoidData or a Batch of them
        Frames that the values belong to.

    Returns
    -------
    Tensor ``(frame, ...)`` or ``(N, 3, ...)``
    """
    values: Tensor = getattr(source, name)
    if name != "energy":
        return values
    counts = particle_counts(data).clamp(min=1)  # frames without particles have no energy either
    return values / counts.view(-1, *[1] * (values.dim() - 1))


def weights_of_targets(name: str, given: Mapping[str, float] | None) -> dict[str, float]:
    """Weights of all targets; 1 for a target without a weight.

    Parameters
    ----------
    name : str
        The caller's name for `given`, for messages.
    given : mapping, optional
        Weights by target.

    Raises
    ------
    ValueError
        If a target is unknown, or a weight is negative or not finite.
    """
    if not isinstance(given, Mapping | None):
        raise TypeError(f"{name} is {given!r:.100}, expected a mapping from targets to numbers")
    weights = dict.fromkeys(TARGETS, 1.0) | dict(given or {})
    if len(weights) > len(TARGETS):
        raise ValueError(f"{name} is {given}, expected finite numbers ≥ 0 for some of {TARGETS}")
    return {target: not_negative(f"{name}[{target!r}]", w) for target, w in weights.items()}
