"""Training runs from a configuration."""

import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch import callbacks as lightning_callbacks
from lightning.pytorch import loggers

from ..data.files.output_file import refuse_locked_folder
from ..data.targets import weights_of_targets
from ..default_dtype import default_dtype
from ..fitting import MechanicsLoss, scan_dimers
from ..potentials import StackedPotential, load_model, read_metadata
from ..potentials.units import are_same
from .batches import n_batches
from .callbacks import SaveModels, WholeCheckpoints
from .components import build_network, fixed_part
from .frames import Split, read_split
from .module import MechanicsTraining, subtract
from .provenance import provenance
from .schedule import refuse_other_course
from .settings import TrainingSettings

LAST = "last.ckpt"
_STRATEGY = "ddp_find_unused_parameters_true"


def train(settings: TrainingSettings, resume: bool = False) -> torch.nn.Module:
    """Train a network as the settings say, and return the model of the best epoch.

    Parameters
    ----------
    settings : TrainingSettings
    resume : bool
        Whether a run that was interrupted is continued, from the last epoch that it completed, as if it had
        not been.

    Returns
    -------
    Module
        Network, with what is held fixed beneath it.

    Raises
    ------
    FileExistsError
        If the output has a run already, and `resume` is False.
    FileNotFoundError
        If there is no run to continue.
    NotADirectoryError
        If the output, or a part of its path, is a file.
    PermissionError
        If the output cannot be written to, or cannot be made.
    ValueError
        If settings or frames are faulty, or are not those of the run that is continued.
    """
    folder = Path(settings.output)
    checkpoint = folder / LAST
    if resume and not checkpoint.is_file():
        raise FileNotFoundError(f"there is no {checkpoint} to continue; train without resume")
    if not resume and any((folder / name).exists() for name in (LAST, "best.pt", "last.pt")):
        raise FileExistsError(
            f"{folder} has a run already; continue it with --resume, or give another output"
        )
    _refuse_folder(folder)
    _check(settings)
    _refuse_other_units(settings)
    split = read_split(settings.data)
    if resume:
        in_an_epoch = n_batches(len(split.train), settings.optimization.batch_size)
        refuse_other_course(checkpoint, settings, in_an_epoch)
    dtype = getattr(torch, settings.data.dtype)
    with default_dtype(dtype), torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = build_network(settings.network, split.types).to(dtype)
    fixed = fixed_part(settings.network, split.train, dtype)
    scanned = split.train[:5]
    loss = MechanicsLoss(split.train + split.validation, settings.optimization.weights)
    split = _prepared(split, fixed, network.cutoff)
    network.standardize(split.train)
    folder.mkdir(parents=True, exist_ok=True)
    module = MechanicsTraining(network, loss, split, settings.optimization, settings.seed)
    trainer = _trainer(
        settings, folder, SaveModels(folder, fixed, provenance(settings, split.train[0]))
    )
    with warnings.catch_warnings():
        # few batches in an epoch, and frames that are in memory already, are meant
        for words in (
            "does not have many workers",
            "number of training batches",
            "is not empty",
            "LeafSpec",
        ):
            warnings.filterwarnings("ignore", f".*{words}.*")
        with _interrupts_pass():
            trainer.fit(module, ckpt_path=checkpoint if resume else None, weights_only=True)
    model = load_model(folder / "best.pt")
    scan_dimers(model, scanned)
    return model


def _refuse_folder(folder: Path) -> None:
    """Check that the folder of a run can be made and written to."""
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise NotADirectoryError(f"{nearest} is a file, expected a folder for output; give another")
    refuse_locked_folder(nearest)


@contextmanager
def _interrupts_pass() -> Iterator[None]:
    """Raise KeyboardInterrupt where Lightning makes SystemExit(1) of it and ignores further signals."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as end:
        if not isinstance(end.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from end


def _refuse_other_units(settings: TrainingSettings) -> None:
    """Check that a base has the units of the training, where both name theirs."""
    if settings.network.base is None:
        return
    of_base = read_metadata(settings.network.base).get("units")
    if of_base and settings.units and not are_same(of_base, settings.units):
        raise ValueError(
            f"network.base {settings.network.base} is in the units {of_base}, expected those of the "
            f"training, {settings.units}; fit it to data in these, or mend units"
        )


def _check(settings: TrainingSettings) -> None:
    """Refuse numbers that are out of range."""
    optimization = settings.optimization
    for name in ("epochs", "batch_size", "learning_rate", "clip"):
        if not getattr(optimization, name) > 0:
            raise ValueError(f"optimization.{name} is {getattr(optimization, name)}, expected > 0")
    if not 0 <= optimization.average < 1:
        raise ValueError(
            f"optimization.average is {optimization.average}, expected 0 or more, below 1"
        )
    for epoch, weights in optimization.later_weights.items():
        weights_of_targets(f"optimization.later_weights[{epoch}]", weights)
    if settings.devices < 1 or optimization.batch_size % settings.devices:
        raise ValueError(
            f"found devices={settings.devices} and optimization.batch_size={optimization.batch_size}, "
            "expected a batch size that the devices share evenly"
        )
    if "cutoff" not in settings.network.hyperparameters:
        raise ValueError("network.hyperparameters lacks cutoff, a length")


def _prepared(split: Split, fixed: list[torch.nn.Module], cutoff: float) -> Split:
    """Frames with edges, less what is held fixed."""
    sides = []
    for frames in split:
        rest = subtract(StackedPotential(fixed), frames) if fixed else frames
        sides.append([frame.with_edges(cutoff) for frame in rest])
    return Split(*sides)


def _trainer(settings: TrainingSettings, folder: Path, save: SaveModels) -> lightning.Trainer:
    optimization = settings.optimization
    logs: list[Any] = [loggers.CSVLogger(folder, name="logs")]
    if settings.tensorboard:
        logs.append(loggers.TensorBoardLogger(folder, name="tensorboard"))
    checkpoints = lightning_callbacks.ModelCheckpoint(
        folder, filename=LAST.removesuffix(".ckpt"), enable_version_counter=False
    )
    callbacks: list[Any] = [save, checkpoints]
    if optimization.patience is not None:
        callbacks.append(
            lightning_callbacks.EarlyStopping("validation", patience=optimization.patience)
        )
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    return lightning.Trainer(
        max_epochs=optimization.epochs,
        accelerator=settings.accelerator,
        devices=settings.devices,
        # parameters of energies alone have no gradient where only forces are trained on
        strategy=_STRATEGY if settings.devices > 1 else "auto",
        use_distributed_sampler=False,
        reload_dataloaders_every_n_epochs=1,
        gradient_clip_val=optimization.clip,
        inference_mode=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        logger=logs,
        callbacks=callbacks,
        plugins=[WholeCheckpoints()],
        enable_model_summary=False,
        default_root_dir=folder,
    )
