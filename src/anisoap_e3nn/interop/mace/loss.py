"""Loss on energies, forces, torques and stress, for MACE's trainer."""

from typing import Any

import torch
from mace.modules.loss import (
    mean_squared_error_energy,
    mean_squared_error_forces,
    reduce_loss,
    weighted_mean_squared_stress,
)
from torch import Tensor


class EllipsoidLoss(torch.nn.Module):
    r"""Weighted sum of mean squared errors.

    .. math:: L = w_E L_E + w_F L_F + w_\tau L_\tau + w_\sigma L_\sigma

    The terms of energies per particle, forces and stress are MACE's. :math:`L_\tau` is the mean of the
    squared components of the torques' errors. Each frame counts with its ``config_weight``.

    Parameters
    ----------
    energy_weight, forces_weight, torques_weight, stress_weight : float
        Without a weight of the torques or the stress, none are needed.
    """

    def __init__(
        self,
        energy_weight: float,
        forces_weight: float,
        torques_weight: float,
        stress_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.weights = {
            "energy": energy_weight,
            "forces": forces_weight,
            "torques": torques_weight,
            "stress": stress_weight,
        }

    def forward(self, ref: Any, pred: dict[str, Any], ddp: bool | None = None) -> Tensor:
        """Compute the loss.

        Parameters
        ----------
        ref : Batch
            MACE's batch of training data, with ``torques`` ``(N, 3)``.
        pred : dict
            Results of :class:`AniSOAPScaleShiftMACE`.
        ddp : bool, optional
            Whether several processes train together, as MACE says.

        Returns
        -------
        Tensor ``()``
        """
        loss: Tensor = self.weights["energy"] * mean_squared_error_energy(ref, pred, ddp)
        loss = loss + self.weights["forces"] * mean_squared_error_forces(ref, pred, ddp)
        if self.weights["torques"] > 0:
            loss = loss + self.weights["torques"] * _mean_squared_torques(ref, pred, ddp)
        if self.weights["stress"] > 0:
            loss = loss + self.weights["stress"] * weighted_mean_squared_stress(ref, pred, ddp)
        return loss

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={weight}" for name, weight in self.weights.items())


def _mean_squared_torques(ref: Any, pred: dict[str, Any], ddp: bool | None) -> Tensor:
    weights = ref["weight"].index_select(0, ref["batch"])[:, None]  # -> [particle, 1]
    squares = weights * (ref["torques"] - pred["torques"]).square()  # -> [particle, 3]
    loss: Tensor = reduce_loss(squares, ddp)
    return loss
