"""Training targets: energies, forces and torques of frames."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..arguments import not_negative
from ..graph import frame_index, particle_counts

TARGETS = ("energy", "forces", "torques")


class Targets:
    """Check of the training targets of frames: all frames must have the same targets, one or more.

    ===========  ===========  ==========================================
    name         shape        unit
    ===========  ===========  ==========================================
    ``energy``   ``(1,)``     energy of the whole frame
    ``forces``   ``(N, 3)``   energy / length
    ``torques``  ``(N, 3)``   energy / radian, about the centre of each
                              particle, along the axes of space
    ===========  ===========  ==========================================

    Coarse-grained forces come without energies. All frames, or none, may also have a `frame_weight` ``(1,)``,
    a number ≥ 0 that multiplies the frame's squared errors in fits and losses.

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
        self._weighted = False

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
        weighted = "frame_weight" in frame
        if number == 0:
            self.names, self._dtype, self._weighted = names, frame.pos.dtype, weighted
        if names != self.names or not names:
            raise ValueError(
                f"found {names} in frame {number} and {self.names} in the first frame, expected one or more "
                f"of {', '.join(TARGETS)}, each in all or none of them"
            )
        if weighted != self._weighted:
            raise ValueError(
                f"found frame_weight in {'frame ' + str(number) if weighted else 'the first frame'} only, "
                "expected it in all or none of the frames"
            )
        n = len(frame.pos)
        for name in [*names, *["frame_weight"] * weighted]:
            if not isinstance(frame[name], Tensor):
                raise TypeError(
                    f"{name} of frame {number} is a {type(frame[name]).__name__}, expected a tensor"
                )
            values, shape = frame[name], (n, 3) if name in ("forces", "torques") else (1,)
            if tuple(values.shape) != shape:
                raise ValueError(
                    f"{name} of frame {number} has shape {tuple(values.shape)}, expected {shape} for "
                    f"{n} particles"
                )
            if not values.isfinite().all():
                raise ValueError(
                    f"{name} of frame {number} is NaN or infinite, expected finite numbers"
                )
        if weighted and not (frame.frame_weight >= 0).all():
            raise ValueError(
                f"frame_weight of frame {number} is {frame.frame_weight.tolist()}, expected ≥ 0"
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


def target_weights(name: str, data: Any) -> Tensor:
    """Weights of the values of one target, from the `frame_weight` of each frame; ones without it.

    Parameters
    ----------
    name : str
        One of :data:`TARGETS`.
    data : EllipsoidData or a Batch of them

    Returns
    -------
    Tensor ``(frame,)`` or ``(N, 3)``
        Of the shape of :func:`target_values` of the data.
    """
    frames, n_frames = frame_index(data)
    weights: Tensor = (
        data.frame_weight if "frame_weight" in data else data.pos.new_ones(n_frames)
    )  # -> [frame]
    return weights if name == "energy" else weights[frames][:, None].expand(-1, 3)


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
