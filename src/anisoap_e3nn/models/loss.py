"""How wrong energies, forces and torques are, in one number."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from .mechanics import Mechanics

TARGETS = ("energy", "forces", "torques")


class MechanicsLoss(torch.nn.Module):
    r"""Mean squared errors of energies, forces and torques, each in units of how much the data vary.

    .. math::
        L = \sum_{t \in \{E, F, \tau\}} \lambda_t \,
            \frac{\langle (y_t - \hat y_t)^2 \rangle}{\mathrm{var}(y_t)}

    with energies per particle. Every frame is looked at, so that a run does not end at the first bad one.

    Parameters
    ----------
    frames : sequence of EllipsoidData
        All that a model will be compared with: `energy` ``(1,)``, and in all of them or none `forces` and
        `torques` ``(N, 3)``, those in the space frame.
    weights : mapping, optional
        :math:`\lambda_t` for "energy", "forces" and "torques"; by default 1 each.

    Attributes
    ----------
    targets : list of str
        Those that the frames have.

    Raises
    ------
    ValueError
        Without frames; for targets that are missing in some frames, of wrong shape, or NaN or infinite.
    TypeError
        For frames, or targets of a frame, of different dtypes.

    Examples
    --------
    >>> from anisoap_e3nn.data import gay_berne_pairs, triaxial_gay_berne
    >>> from anisoap_e3nn.models import mechanics
    >>> frames = gay_berne_pairs(sizes=(100, 0, 0)).train
    >>> loss = MechanicsLoss(frames)
    >>> float(loss(mechanics(triaxial_gay_berne(cutoff=4.0), frames[0]), frames[0])) < 1e-9
    True
    """

    variances: Tensor

    def __init__(self, frames: Sequence[Any], weights: Mapping[str, float] | None = None) -> None:
        super().__init__()
        if not frames:
            raise ValueError("expected one or more frames to compare with, found none")
        self.targets = [target for target in TARGETS if target in frames[0]]
        self.weights = dict.fromkeys(TARGETS, 1.0) | dict(weights or {})
        if set(self.weights) != set(TARGETS) or not all(w >= 0 for w in self.weights.values()):
            raise ValueError(f"weights are {weights}, expected numbers ≥ 0 for some of {TARGETS}")
        for number, frame in enumerate(frames):
            self._refuse_faulty(number, frame, like=frames[0])
        values = [torch.cat([_per_particle(f, t).flatten() for f in frames]) for t in self.targets]
        variances = torch.stack([x.double().var(correction=0) for x in values])
        self.register_buffer("variances", variances.where(variances > 0, 1).to(values[0]))

    def forward(self, result: Mechanics, data: Any) -> Tensor:
        """The loss ``()`` of what :func:`mechanics` says of a frame or a batch of them."""
        errors = self.squared_errors(result, data)  # -> [target]
        weights = errors.new_tensor([self.weights[target] for target in self.targets])
        return (weights * errors / self.variances).sum()

    def squared_errors(self, result: Mechanics, data: Any) -> Tensor:
        """Mean squared errors ``(target,)`` in the units of the data, energies per particle."""
        n_particles = _counts(data)
        errors = [(result.energy - data.energy) / n_particles]
        errors += [getattr(result, target) - data[target] for target in self.targets[1:]]
        return torch.stack([error.square().mean() for error in errors])

    def _refuse_faulty(self, number: int, frame: Any, like: Any) -> None:
        found = [target for target in TARGETS if target in frame]
        if found != self.targets or "energy" not in found:
            raise ValueError(
                "every frame needs an energy, and either all or none forces, and torques; found "
                f"{self.targets} in the first frame and {found} in frame {number}"
            )
        n = len(frame.pos)
        for target in found:
            values, shape = frame[target], (1,) if target == "energy" else (n, 3)
            if tuple(values.shape) != shape:
                raise ValueError(
                    f"{target} of frame {number}, of {n} particles, should have shape {shape}, found "
                    f"{tuple(values.shape)}"
                )
            if not values.isfinite().all():
                raise ValueError(f"{target} of frame {number} has values that are NaN or infinite")
        dtypes = {name: frame[name].dtype for name in ("pos", *found)}
        if set(dtypes.values()) != {like.pos.dtype}:
            raise TypeError(
                f"frames and their targets need one dtype, that of the first, {like.pos.dtype}; found "
                f"{dtypes} in frame {number}"
            )


def _counts(data: Any) -> Tensor:
    """Particles of each frame ``(frame,)``, as numbers to divide by."""
    ptr = getattr(data, "ptr", None)
    counts = data.pos.new_tensor([len(data.pos)]) if ptr is None else ptr.diff()
    return counts.clamp(min=1)


def _per_particle(frame: Any, target: str) -> Tensor:
    values: Tensor = frame[target]
    return values / max(1, len(frame.pos)) if target == "energy" else values
