"""MACE's trainer with our model and loss in the places of its own."""

import argparse
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mace.cli.run_train as trainer
import yaml
from mace import modules, tools
from mace.tools import torch_geometric

from .configuration import EllipsoidOptions, refuse_options, split_configuration
from .files import refuse_faulty_files
from .loss import EllipsoidLoss
from .model import AniSOAPScaleShiftMACE

_N_FRAMES = 256  # at most, evenly spread over the training set
_BATCH_SIZE = 16


def train(path: str | PathLike[str], arguments: Sequence[str] = ()) -> None:
    """Train MACE on ellipsoids: ``mace_run_train --config`` with a section ``anisoap`` in the file.

    All options of ``mace_run_train`` keep their meaning: checkpoints, ``restart_latest``, ``ema``,
    ``distributed`` and so on. The section ``anisoap`` may have

    - `node_embedding`: "anisoap", or "shape" for the baseline without a density;
    - `embedding`: hyperparameters of the :class:`~anisoap_e3nn.AniSOAPEmbedding`;
    - `edge_orientations`: whether edges know how both ellipsoids lie, true by default;
    - `torques_weight`: weight of the torques in the loss, 1 by default; with 0 the files need no torques.

    The files are extended XYZ with the columns ``orientations`` (w, x, y, z, body → space), ``semiaxes`` and
    ``torques``. All frames are checked before training starts.

    Parameters
    ----------
    path : str or PathLike
        Configuration, YAML.
    arguments : sequence of str
        Further options of ``mace_run_train``, which take precedence.

    Raises
    ------
    ValueError
        If the configuration names an option that does not go with ellipsoids, or a frame is faulty. The
        message names file, field, frame and particle.
    """
    options, of_mace = split_configuration(Path(path))
    args = _parsed(of_mace, arguments)
    refuse_faulty_files(args, torques=options.torques_weight > 0)
    with _in_place(options), warnings.catch_warnings():
        # of e3nn 0.4.4, for each of its layers
        warnings.filterwarnings("ignore", message="The TorchScript type system doesn't support")
        trainer.run(args)


def _parsed(of_mace: Mapping[str, Any], arguments: Sequence[str]) -> argparse.Namespace:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "mace.yaml"
        file.write_text(yaml.safe_dump(dict(of_mace)), encoding="utf-8")
        parser = tools.build_default_arg_parser()
        args = parser.parse_args(["--config", str(file), *arguments])
    refuse_options(args, {name: parser.get_default(name) for name in vars(args)})
    return args


@contextmanager
def _in_place(options: EllipsoidOptions) -> Iterator[None]:
    """Exchange what the trainer looks up by name, for the time of a training."""
    ours = {
        "get_avg_num_neighbors": partial(_neighbors, trainer.get_avg_num_neighbors),
        "configure_model": partial(_configure_model, trainer.configure_model, options),
        "get_loss_fn": partial(_loss, options),
        "get_swa": partial(_second_stage, trainer.get_swa, options),
    }
    before = {name: getattr(trainer, name) for name in ours}
    for name, function in ours.items():
        setattr(trainer, name, function)
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(trainer, name, function)


def _neighbors(original: Any, heads: Any, args: Any, train_loader: Any, device: Any) -> Any:
    """MACE's average number of neighbours, of one batch of training data or more."""
    if len(train_loader) == 0:
        raise ValueError(
            f"found {len(train_loader.dataset)} training frames, expected at least batch_size, "
            f"{args.batch_size}, since MACE leaves out batches that are not full; give a smaller batch_size"
        )
    return original(heads, args, train_loader, device)


def _configure_model(
    original: Any, options: EllipsoidOptions, args: Any, train_loader: Any, *others: Any
) -> tuple[Any, Any]:
    """Build our model as MACE builds its own, and measure features on training data."""
    before = modules.ScaleShiftMACE
    modules.ScaleShiftMACE = partial(
        AniSOAPScaleShiftMACE,
        node_embedding=options.node_embedding,
        embedding=options.embedding,
        edge_orientations=options.edge_orientations,
    )
    try:
        model, output_args = original(args, train_loader, *others)
    finally:
        modules.ScaleShiftMACE = before
    dataset = train_loader.dataset
    step = max(1.0, len(dataset) / _N_FRAMES)
    frames = [dataset[int(k * step)] for k in range(min(len(dataset), _N_FRAMES))]
    model.measure(
        torch_geometric.Batch.from_data_list(frames[start : start + _BATCH_SIZE]).to_dict()
        for start in range(0, len(frames), _BATCH_SIZE)
    )
    logging.info("Measured features on %d training frames", len(frames))
    return model, output_args


def _loss(options: EllipsoidOptions, args: Any, *_: Any) -> EllipsoidLoss:
    stress_weight = args.stress_weight if args.loss == "stress" else 0.0
    return EllipsoidLoss(
        args.energy_weight, args.forces_weight, options.torques_weight, stress_weight
    )


def _second_stage(
    original: Any, options: EllipsoidOptions, args: Any, *others: Any
) -> tuple[Any, Any]:
    """MACE's second stage, whose loss weighs energies more."""
    swa, swas = original(args, *others)
    stress_weight = args.swa_stress_weight if args.loss == "stress" else 0.0
    loss = EllipsoidLoss(
        args.swa_energy_weight, args.swa_forces_weight, options.torques_weight, stress_weight
    )
    return replace(swa, loss_fn=loss), swas
