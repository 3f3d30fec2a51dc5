"""The commands ``anisoap-e3nn train`` and ``anisoap-e3nn fit``."""

import argparse
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .printing import print_text
from .signals import telling


def add_train(commands: Any) -> None:
    """Add the command ``train`` to the command line."""
    command = commands.add_parser(
        "train",
        help="train a network",
        description="Train a network on energies, forces and torques as a configuration says: see "
        "docs/training.md. OUTPUT/best.pt is the model of the best epoch.",
    )
    command.set_defaults(run=train)
    _add_configuration(command)
    command.add_argument("--resume", action="store_true", help="continue an interrupted run")


def add_fit(commands: Any) -> None:
    """Add the command ``fit`` to the command line."""
    command = commands.add_parser(
        "fit",
        help="fit linear potentials",
        description="Fit a stack of linear potentials by least squares as a configuration says: see "
        "docs/training.md.",
    )
    command.set_defaults(run=fit)
    _add_configuration(command)
    command.add_argument("--overwrite", action="store_true", help="replace the output if it exists")


def train(options: argparse.Namespace) -> None:
    """Train a network."""
    with _packages_of_training():
        from ..training.run import train as run
        from ..training.settings import TrainingSettings
    settings = _settings(TrainingSettings, options)
    if settings is not None:
        with telling(lambda: _kept(Path(settings.output))):
            run(settings, options.resume)
        print_text(f"wrote  {Path(settings.output) / 'best.pt'}")


def _kept(folder: Path) -> str:
    """Words for what a training that ends now leaves."""
    from ..training.run import LAST

    if (folder / LAST).is_file():
        return f"{folder} has all epochs that were complete; continue with --resume"
    return f"no epoch was complete; {folder} has no model"


def fit(options: argparse.Namespace) -> None:
    """Fit linear potentials."""
    with _packages_of_training():
        from ..training.linear import fit as run
        from ..training.settings import FitSettings
    settings = _settings(FitSettings, options)
    if settings is None:
        return
    found = run(settings, options.overwrite)
    lines = [f"wrote  {settings.output}", "R²          training  validation"]
    for name, train_score, score in zip(
        found.train._fields, found.train, found.validation, strict=True
    ):
        if not math.isnan(score):
            lines.append(f"{name:10s}  {train_score:8.4f}  {score:10.4f}")
    lines.append(
        f"deepest dimer {found.scan.deepest:.4g}, of pairs in the frames {found.scan.deepest_in_data:.4g}"
    )
    print_text("\n".join([*found.reasons, *lines]))


def _add_configuration(command: argparse.ArgumentParser) -> None:
    command.add_argument("config", type=Path, metavar="CONFIG.yaml", help="configuration")
    command.add_argument(
        "--set", dest="overrides", nargs="+", default=[], metavar="KEY=VALUE", type=_override,
        help="settings that take precedence, as KEY=VALUE, such as optimization.epochs=5",
    )  # fmt: skip
    command.add_argument(
        "--print-config", action="store_true", help="print all settings, defaults too, and end"
    )


def _override(word: str) -> str:
    return f"--{word}"


@contextmanager
def _packages_of_training() -> Iterator[None]:
    """Say how the packages that are missing are installed."""
    try:
        yield
    except ImportError as error:
        raise ImportError(
            f'training needs more packages ({error}): pip install "anisoap-e3nn[training]"'
        ) from error


def _settings(kind: type[Any], options: argparse.Namespace) -> Any:
    """Settings of a kind from the configuration; or None after printing them, if that was asked for."""
    from ..training.parsing import parse_settings, settings_as_yaml

    settings = parse_settings(kind, options.config, options.overrides)
    if not options.print_config:
        return settings
    print_text(settings_as_yaml(settings))
    return None
