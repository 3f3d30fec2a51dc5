"""The command ``anisoap-e3nn analyse``."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .labels import distinct_labels, refuse_repeated_labels
from .printing import print_text
from .report_files import add_report_options, new_figure, refuse_report_files

if TYPE_CHECKING:
    from ..simulation import Structure


def add_analyse(commands: Any) -> None:
    """Add the command and its options to the command line."""
    command = commands.add_parser(
        "analyse",
        help="compare the structure of trajectories",
        description="Distribution functions g(r) and g(r, |cos θ|), orientational order and displacements of "
        "trajectories of ellipsoids, compared with the first one, such as the mapped all-atom trajectory.",
    )
    command.set_defaults(run=analyse)
    # fmt: off
    add = command.add_argument
    add("inputs", type=Path, nargs="+", metavar="TRAJECTORY.xyz", help="the reference first")
    add("--labels", nargs="+", help="names for the figure and JSON (default: those of the files)")
    add("--largest", type=float, metavar="R",
        help="largest distance (default: 0.49 of the smallest height of the cells)")
    add("--bins", type=int, default=80, metavar="N", help="number of bins of distances (%(default)s)")
    add("--axis", type=int, choices=(0, 1, 2), default=2,
        help="body axis whose angles count: 2 for disks, 0 for rods (%(default)s)")
    add("--interval", type=float, nargs="+", default=[1.0], metavar="PS",
        help="time between frames in ps, one for all or one for each trajectory (1)")
    # fmt: on
    add_report_options(command, "also write the numbers as JSON", "also draw them")


def analyse(options: argparse.Namespace) -> None:
    """Print, write and draw the structure of trajectories."""
    refuse_report_files(options)
    labels = options.labels or distinct_labels(options.inputs)
    if len(labels) != len(options.inputs):
        raise ValueError(f"found {len(labels)} labels for {len(options.inputs)} trajectories")
    refuse_repeated_labels(labels)
    n = len(options.inputs)
    intervals = options.interval * n if len(options.interval) == 1 else options.interval
    if len(intervals) != n:
        raise ValueError(f"found {len(intervals)} intervals for {n} trajectories")
    for interval in intervals:
        if not 0 < interval < np.inf:
            raise ValueError(f"--interval is {interval}, expected > 0")
    if options.bins < 1:
        raise ValueError(f"--bins is {options.bins}, expected 1 or more")
    found = _structures(options)
    width = max(16, *map(len, labels))
    lines = [
        f"{'trajectory':{width}s}  peak at   height  mean |Δg|  mean |Δg(r, cos)|  <P2>   D / Å²/ps"
    ]
    for label, each, interval in zip(labels, found, intervals, strict=True):
        position, height = each.first_peak
        change, of_angles = differences(each, found[0])
        lines.append(
            f"{label:{width}s} {position:8.3f} {height:8.3f} {change:10.4f} {of_angles:18.4f} "
            f"{each.nematic:5.3f} {diffusion(each, interval):11.4g}"
        )
    print_text("\n".join(lines))
    if options.json is not None:
        tables = {
            label: {
                k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in each._asdict().items()
            }
            for label, each in zip(labels, found, strict=True)
        }
        options.json.write_text(json.dumps(tables) + "\n", encoding="utf-8")
    if options.figure is not None:
        _draw(found, labels, intervals, options.figure)


def _structures(options: argparse.Namespace) -> list["Structure"]:
    """Structures of all trajectories up to one distance, that of the lowest cell unless it is given."""
    from ..data import read_ellipsoids
    from ..simulation import structure
    from ..simulation.structure import largest_distance, rounded_down

    trajectories = [read_ellipsoids(path, dtype=torch.float64) for path in options.inputs]
    limits = []
    for path, frames in zip(options.inputs, trajectories, strict=True):
        with _named(path):
            limits.append(largest_distance(frames))
    largest, limit = options.largest, min(limits)
    if largest is None:
        largest = 0.98 * limit
    elif not 0 < largest <= limit:
        raise ValueError(
            f"--largest is {largest}, expected more than 0 and at most {rounded_down(limit)}, half of the "
            f"smallest height of the cells, in {options.inputs[limits.index(limit)]}"
        )
    found = []
    for path, frames in zip(options.inputs, trajectories, strict=True):
        with _named(path):
            found.append(structure(frames, largest, n_bins=options.bins, axis=options.axis))
    return found


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in errors of its frames."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def differences(one: "Structure", other: "Structure") -> tuple[float, float]:
    """Mean absolute differences of g(r), and of g(r, |cos θ|), where the other is positive, or NaN."""
    kept = other.g > 0
    if not kept.any():
        return float("nan"), float("nan")
    change = np.abs(one.g - other.g)[kept].mean()
    of_angles = np.abs(one.g_angles - other.g_angles)[:, kept].mean()
    return float(change), float(of_angles)


def diffusion(found: "Structure", interval: float) -> float:
    """Self-diffusion from the displacements between a tenth and a half of the trajectory; NaN if short."""
    n = len(found.displacement)
    lags = np.arange(n // 10, n // 2)
    if len(lags) < 2:
        return float("nan")
    return float(np.polyfit(lags * interval, found.displacement[lags], 1)[0] / 6)


def _draw(found: list["Structure"], labels: list[str], intervals: list[float], path: Path) -> None:
    figure = new_figure(figsize=(15, 7), layout="constrained")
    panels = figure.subplots(2, 3).flatten()
    limits = found[0].cosines
    titles = ["g(r)"] + [f"g(r), |cos θ| {a:.2f} to {b:.2f}" for a, b in pairwise(limits)]
    titles = [*titles[:4], "⟨P₂(cos θ)⟩", "mean-square displacement"]
    for each, label, interval in zip(found, labels, intervals, strict=True):
        curves = [each.g, *each.g_angles[:3], np.where(each.g > 0, each.order, np.nan)]
        for panel, curve in zip(panels, curves, strict=False):
            panel.plot(each.distances, curve, label=label)
        half = len(each.displacement) // 2
        panels[5].plot(np.arange(half) * interval, each.displacement[:half], label=label)
    for panel, title in zip(panels, titles, strict=True):
        panel.set(title=title, xlabel="r / Å")
    panels[5].set(xlabel="time / ps")
    panels[0].legend()
    figure.savefig(path, dpi=120)
