"""What a potential is fitted to: energies, forces and torques of frames."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..graph import particle_counts

TARGETS = ("energy", "forces", "torques")


class Targets:
    """The targets that a set of frames has, every frame the same.

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
        In the order above; empty before the first frame.
    n_frames : int
        Number of frames seen.

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
            For targets that other frames have and this one lacks, or the other way round, of the wrong
            shape, or NaN or infinite.
        TypeError
            If the frame or a target has another dtype than the first frame.
        """
        number, self.n_frames = self.n_frames, self.n_frames + 1
        names = [name for name in TARGETS if name in frame]
        if number == 0:
            self.names, self._dtype = names, frame.pos.dtype
        if names != self.names or "energy" not in names:
            raise ValueError(
                "every frame needs an energy, and either all or none forces, and torques; found "
                f"{self.names} in the first frame and {names} in frame {number}"
            )
        n = len(frame.pos)
        for name in names:
            values, shape = frame[name], (1,) if name == "energy" else (n, 3)
            if tuple(values.shape) != shape:
                raise ValueError(
                    f"{name} of frame {number}, of {n} particles, has shape {tuple(values.shape)}, "
                    f"expected {shape}"
                )
            if not values.isfinite().all():
                raise ValueError(f"{name} of frame {number} has values that are NaN or infinite")
        dtypes = {name: frame[name].dtype for name in ("pos", *names)}
        if set(dtypes.values()) != {self._dtype}:
            raise TypeError(
                f"frames and their targets need one dtype, that of the first, {self._dtype}; found "
                f"{dtypes} in frame {number}"
            )


def target_values(source: Any, name: str, data: Any) -> Tensor:
    """Values of one target, energies divided by the number of particles.

    Parameters
    ----------
    source : EllipsoidData, a Batch of them, Mechanics or Design
        What has the values as an attribute.
    name : str
        One of :data:`TARGETS`.
    data : EllipsoidData or a Batch of them
        The frames, whose particles are counted.

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
    """A weight for each target, 1 where none is given.

    Parameters
    ----------
    name : str
        The caller's name for `given`, for its message.
    given : mapping, optional

    Raises
    ------
    ValueError
        For unknown targets, and weights that are negative or not finite.
    """
    weights = dict.fromkeys(TARGETS, 1.0) | dict(given or {})
    if len(weights) > len(TARGETS) or any(not 0 <= w < float("inf") for w in weights.values()):
        raise ValueError(f"{name} are {given}, expected finite numbers ≥ 0 for some of {TARGETS}")
    return weights
