"""Training steps of a network as a module of Lightning."""

from collections.abc import Sequence
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.optim import swa_utils
from torch_geometric.loader import DataLoader

from ..fitting import MechanicsLoss
from ..networks import MessagePassingPotential
from ..potentials import mechanics
from .batches import EpochBatches, n_batches
from .frames import Split
from .schedule import learning_rate_schedule
from .settings import OptimizationSettings


class MechanicsTraining(lightning.LightningModule):  # type: ignore[misc]
    """Train a network on energies, forces and torques, with a moving average of its weights.

    Parameters
    ----------
    network : MessagePassingPotential
        Network, standardised.
    loss : MechanicsLoss
        Loss with the weights of the first epoch.
    split : Split
        Frames with edges; their targets lack what is held fixed beneath the network.
    settings : OptimizationSettings
    seed : int
        Seed of the order of the frames.
    """

    def __init__(
        self,
        network: MessagePassingPotential,
        loss: MechanicsLoss,
        split: Split,
        settings: OptimizationSettings,
        seed: int,
    ) -> None:
        super().__init__()
        self.network, self.loss, self.split = network, loss, split
        self.settings, self.seed = settings, seed
        decay = swa_utils.get_ema_multi_avg_fn(settings.average)
        self.average = swa_utils.AveragedModel(network, multi_avg_fn=decay).requires_grad_(False)

    @property
    def averaged_network(self) -> torch.nn.Module:
        """Network with the averaged weights; the network itself without averaging."""
        return self.average.module if self.settings.average > 0 else self.network

    def train_dataloader(self) -> DataLoader:
        """Batches of the present epoch, for this process."""
        batches = EpochBatches(
            len(self.split.train),
            self.settings.batch_size,
            seed=self.seed,
            epoch=self.current_epoch,
            process=self.global_rank,
            n_processes=self.trainer.world_size,
        )
        return DataLoader(self.split.train, batch_sampler=batches)

    def val_dataloader(self) -> DataLoader:
        """All frames that validate, in every process."""
        return DataLoader(self.split.validation, self.settings.batch_size)

    def training_step(self, batch: Any, index: int) -> Tensor:
        self.loss.weights = self._weights()
        result = mechanics(self.network, batch, create_graph=True)
        loss: Tensor = self.loss(result, batch)
        size = batch.num_graphs
        self.log(
            "loss", loss.detach(), on_step=False, on_epoch=True, sync_dist=True, batch_size=size
        )
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, index: int) -> None:
        self.average.update_parameters(self.network)

    def validation_step(self, batch: Any, index: int) -> None:
        result = mechanics(self.averaged_network, batch)
        shares = self.loss.squared_errors(result, batch) / self.loss.variances  # -> [target]
        weights = {**dict.fromkeys(self.loss.targets, 1.0), **self.settings.weights}
        total = sum(weights[k] * x for k, x in zip(self.loss.targets, shares, strict=True))
        values = {f"unexplained_{k}": x for k, x in zip(self.loss.targets, shares, strict=True)}
        self.log_dict(
            {**values, "validation": torch.as_tensor(total)},
            batch_size=batch.num_graphs,
            prog_bar=True,
            sync_dist=True,
        )

    def configure_optimizers(self) -> Any:
        settings, parameters = self.settings, list(self.network.parameters())
        optimizer: torch.optim.Optimizer
        if settings.optimizer == "adamw":
            optimizer = torch.optim.AdamW(
                parameters, settings.learning_rate, weight_decay=settings.weight_decay
            )
        else:
            optimizer = torch.optim.Adam(parameters, settings.learning_rate)
        n_steps = settings.epochs * n_batches(len(self.split.train), settings.batch_size)
        schedule = learning_rate_schedule(optimizer, settings, n_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _weights(self) -> dict[str, float]:
        """Weights of the targets in the present epoch."""
        weights = {"energy": 1.0, "forces": 1.0, "torques": 1.0, **self.settings.weights}
        for epoch, later in sorted(self.settings.later_weights.items()):
            weights |= later if self.current_epoch >= epoch else {}
        return weights


def subtract(fixed: torch.nn.Module, frames: Sequence[Any]) -> list[Any]:
    """Copies of frames whose targets lack the energies, forces and torques of a fixed model."""
    rest = []
    for frame in frames:
        result, copied = mechanics(fixed, frame), frame.clone()
        for name in ("energy", "forces", "torques"):
            if name in copied:
                copied[name] = copied[name] - getattr(result, name)
        rest.append(copied)
    return rest
