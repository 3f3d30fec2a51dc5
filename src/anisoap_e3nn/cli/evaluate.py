"""The command ``anisoap-e3nn evaluate``."""

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from .input_frames import add_input_options, input_frames
from .printing import print_text
from .report_files import add_report_options, new_figure, refuse_report_files

if TYPE_CHECKING:
    from ..fitting import Evaluation


def add_evaluate(commands: Any) -> None:
    """Add the command and its options to the command line."""
    command = commands.add_parser(
        "evaluate",
        help="compare a model with data",
        description="Compare a model with the energies, forces and torques of a file: tables by target and "
        "type, and the error of the forces by the nearest contact.",
    )
    command.set_defaults(run=run_evaluate)
    # fmt: off
    add = command.add_argument
    add("model", type=Path, metavar="MODEL.pt", help="checkpoint")
    add("input", type=Path, metavar="INPUT", help="file of ellipsoids with targets")
    add("--ignore-energies", action="store_true",
        help="leave energies out, as of a model that was fitted to forces")
    # fmt: on
    add_report_options(
        command, "also write the tables as JSON", "also draw predicted against true values"
    )
    add_input_options(command)


def run_evaluate(options: argparse.Namespace) -> None:
    """Print, write and draw the errors of a model."""
    from ..fitting import evaluate
    from ..potentials import load_model

    refuse_report_files(options)
    model = load_model(options.model)
    numbers = [x for x in (*model.parameters(), *model.buffers()) if x.is_floating_point()]
    dtype = numbers[0].dtype if numbers else torch.get_default_dtype()
    frames = list(input_frames(options, dtype))
    for frame in frames:
        for name in ("energy", "stress") if options.ignore_energies else ("stress",):
            if name in frame:
                del frame[name]
    found = evaluate(model, frames)
    print_text(_tables(found))
    if options.json is not None:
        tables = {
            "errors": [each._asdict() for each in found.errors],
            "contacts": [each._asdict() for each in found.contacts],
        }
        options.json.write_text(json.dumps(tables, indent=1) + "\n", encoding="utf-8")
    if options.figure is not None:
        _draw(found, options.figure)


def _tables(found: "Evaluation") -> str:
    lines = ["target   type       n      R²      RMSE       MAE   largest  where"]
    for each in found.errors:
        where = f"frame {each.frame}" + (
            f", particle {each.particle}" * (each.particle is not None)
        )
        type_ = "all" if each.type is None else str(each.type)
        lines.append(
            f"{each.target:8s} {type_:>4s} {each.n:7d} {each.r_squared:7.4f} {each.rmse:9.4g} "
            f"{each.mae:9.4g} {each.largest:9.4g}  {where}"
        )
    if found.contacts:
        lines += ["", "nearest gap            n  RMSE of forces  size of forces"]
    for near in found.contacts:
        low, high = near.gap
        lines.append(f"{low:8.3g} to {high:8.3g} {near.n:5d} {near.rmse:15.4g} {near.size:15.4g}")
    return "\n".join(lines)


def _draw(found: "Evaluation", path: Path) -> None:
    figure = new_figure(figsize=(4 * len(found.true), 4), layout="constrained")
    scores = {each.target: each.r_squared for each in found.errors if each.type is None}
    for number, (name, true) in enumerate(found.true.items(), start=1):
        panel = figure.add_subplot(1, len(found.true), number)
        panel.set(title=f"{name}, R² = {scores[name]:.4f}", xlabel="true", ylabel="predicted")
        panel.axline((float(true.mean()),) * 2, slope=1, color="0.7", zorder=0)
        x, y = true.flatten(), found.predicted[name].flatten()
        every = math.ceil(len(x) / 20_000)  # more points cannot be told apart
        panel.plot(x[::every], y[::every], ".", markersize=2)
    figure.savefig(path, dpi=150)
