"""Files of a training run: the best and the last model, and checkpoints that appear only when complete."""

import os
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback

from ..potentials import StackedPotential, save_model


class SaveModels(Callback):  # type: ignore[misc]
    """Write the model of the best epoch and of the last one, whole or not at all.

    Parameters
    ----------
    folder : Path
        Files are ``best.pt`` and ``last.pt``.
    fixed : list of Module
        Models held fixed beneath the network; the files contain the sum.
    metadata : dict
        Metadata of the files.

    Attributes
    ----------
    best : float
        Smallest validation loss, kept when a run is continued.
    """

    def __init__(
        self, folder: Path, fixed: list[torch.nn.Module], metadata: dict[str, Any]
    ) -> None:
        self.folder, self.fixed, self.metadata, self.best = folder, fixed, metadata, float("inf")

    def on_validation_end(self, trainer: lightning.Trainer, module: Any) -> None:
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        validation = float(trainer.callback_metrics["validation"])
        network = module.averaged_network
        model = StackedPotential([*self.fixed, network]) if self.fixed else network
        metadata = {**self.metadata, "epoch": trainer.current_epoch, "validation": validation}
        names = ["last"]
        if validation < self.best:
            self.best, names = validation, ["last", "best"]
        for name in names:
            save_model(model, self.folder / f"{name}.pt", overwrite=True, metadata=metadata)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best = state_dict["best"]


class WholeCheckpoints(TorchCheckpointIO):  # type: ignore[misc]
    """Checkpoints of Lightning that are written beside their place and then moved into it."""

    def save_checkpoint(self, checkpoint: Any, path: Any, storage_options: Any = None) -> None:
        part = Path(f"{path}.part")
        super().save_checkpoint(checkpoint, part, storage_options)
        os.replace(part, path)
