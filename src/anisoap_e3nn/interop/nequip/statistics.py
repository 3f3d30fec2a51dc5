"""Scales of our layers' inputs, measured on training data before the first step.

Lightning adds this callback to every trainer by the entry point ``lightning.pytorch.callbacks_factory``, so
no configuration names it.
"""

import logging
import sys
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

_N_FRAMES = 256  # at most, evenly spread over the training set
_BATCH_SIZE = 16


class FeatureStatistics(Callback):  # type: ignore[misc]
    """Measure the inputs of all :class:`MeasuredModule` of a model on frames of the training set.

    Models without such modules, and those that were measured already, as from a checkpoint, are left alone.
    All processes of a training measure the same frames, and therefore find the same scales.
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure; Lightning calls this after it has restored a checkpoint."""
        modules = [m for m in pl_module.modules() if _is_unmeasured(m)]
        if not modules:
            return
        from nequip.data import AtomicDataDict

        frames = _spread_frames(trainer.datamodule.train_dataset)
        batches = [
            AtomicDataDict.to_(
                AtomicDataDict.batched_from_list(frames[start : start + _BATCH_SIZE]),
                pl_module.device,
            )
            for start in range(0, len(frames), _BATCH_SIZE)
        ]
        for module in modules:
            module.measure(batches)
        logging.getLogger(__name__).info("measured features on %d training frames", len(frames))


def callbacks() -> list[Callback]:
    """The callback, if nequip is at work in this process."""
    return [FeatureStatistics()] if "nequip" in sys.modules else []


def _is_unmeasured(module: Any) -> bool:
    # by attributes, since models from packages have classes of their own
    return hasattr(module, "measure_features") and not bool(module.measured)


def _spread_frames(datasets: Any) -> list[Any]:
    """Up to 256 frames of all training sets together, evenly spread."""
    places = [(dataset, i) for dataset in datasets for i in range(len(dataset))]
    step = max(1, len(places) / _N_FRAMES)
    chosen = [places[int(k * step)] for k in range(min(len(places), _N_FRAMES))]
    return [dataset[i] for dataset, i in chosen]
