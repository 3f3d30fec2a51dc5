"""Loss on energies, forces and torques."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..data.batches import frame_iterable
from ..data.targets import Targets, target_values, target_weights, weights_of_targets
from ..potentials import Mechanics
from ..precision import in_float64


class MechanicsLoss(torch.nn.Module):
    r"""Loss on energies, forces and torques: mean squared errors relative to the variances of the data.

    .. math::
        L = \sum_{t \in \{E, F, \tau\}} \lambda_t \,
            \frac{\langle (y_t - \hat y_t)^2 \rangle}{\mathrm{var}(y_t)}

    Energies are per particle. Means are weighted by the `frame_weight` of the frames, where they have one.
    The targets of all frames are checked at construction, so that faulty frames do not end a training run
    later.

    Parameters
    ----------
    frames : sequence of EllipsoidData
        All frames for training and validation, with their :class:`~anisoap_e3nn.data.targets.Targets`.
    weights : mapping, optional
        :math:`\lambda_t` for "energy", "forces" and "torques"; by default 1 each.

    Attributes
    ----------
    targets : list of str
        Names of the targets that the frames have.
    variances : Tensor ``(target,)``
        Variance of each target; 1 if it vanishes.

    Raises
    ------
    ValueError
        If there are no frames, or a target is missing in some frames, has the wrong shape or is not finite.
    TypeError
        If frames or targets have different dtypes.

    Examples
    --------
    >>> from anisoap_e3nn.gay_berne import gay_berne_pairs, triaxial_gay_berne
    >>> from anisoap_e3nn.potentials import mechanics
    >>> frames = gay_berne_pairs(sizes=(100, 0, 0)).train
    >>> loss = MechanicsLoss(frames)
    >>> float(loss(mechanics(triaxial_gay_berne(cutoff=4.0), frames[0]), frames[0])) < 1e-9
    True
    """

    variances: Tensor

    def __init__(self, frames: Sequence[Any], weights: Mapping[str, float] | None = None) -> None:
        super().__init__()
        frames = list(frame_iterable(frames))
        if not frames:
            raise ValueError("found no frames, expected one or more frames with targets")
        self.weights = weights_of_targets("weights", weights)
        targets = Targets()
        for frame in frames:
            targets.add(frame)
        self.targets = targets.names
        variances = torch.stack([_variance(frames, name) for name in self.targets])
        dtype = frames[0].pos.dtype
        self.register_buffer("variances", variances.where(variances > 0, 1).to(dtype))

    def forward(self, result: Mechanics, data: Any) -> Tensor:
        """Loss ``()`` of a frame or batch, from the result of :func:`~anisoap_e3nn.potentials.mechanics`."""
        errors = self.squared_errors(result, data) / self.variances  # -> [target]
        weights = (self.weights[target] for target in self.targets)
        return torch.stack([w * e for w, e in zip(weights, errors, strict=True)]).sum()

    def squared_errors(self, result: Mechanics, data: Any) -> Tensor:
        """Mean squared errors ``(target,)`` in the units of the data; energies are per particle."""
        errors = []
        for name in self.targets:
            error = target_values(result, name, data) - target_values(data, name, data)
            errors.append(_mean(error.square(), target_weights(name, data)))
        return torch.stack(errors)


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (weights * values).sum() / weights.sum().where(weights.sum() > 0, 1)


def _variance(frames: Sequence[Any], name: str) -> Tensor:
    """Weighted variance ``()`` of a target over all frames, in float64."""
    values = torch.cat([in_float64(target_values(x, name, x).flatten()) for x in frames])
    weights = torch.cat([in_float64(target_weights(name, x).flatten()) for x in frames])
    return _mean((values - _mean(values, weights)).square(), weights)
