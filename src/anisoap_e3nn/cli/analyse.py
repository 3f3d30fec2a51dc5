"""The command ``anisoap-e3nn analyse``."""

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .printing import print_text

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
    add("--labels", nargs="+", help="names for the figure (default: those of the files)")
    add("--largest", type=float, metavar="R",
        help="largest distance (default: 0.49 of the shortest cell axis)")
    add("--bins", type=int, default=80, metavar="N", help="number of bins of distances (%(default)s)")
    add("--axis", type=int, choices=(0, 1, 2), default=2,
        help="body axis whose angles count: 2 for disks, 0 for rods (%(default)s)")
    add("--interval", type=float, nargs="+", default=[1.0], metavar="PS",
        help="time between frames in ps, one for all or one for each trajectory (1)")
    add("--json", type=Path, metavar="OUT.json", help="also write the numbers as JSON")
    add("--figure", type=Path, metavar="OUT.png", help="also draw them")
    # fmt: on


def analyse(options: argparse.Namespace) -> None:
    """Print, write and draw the structure of trajectories."""
    from ..data import read_ellipsoids
    from ..simulation import structure

    labels = options.labels or [path.stem for path in options.inputs]
    if len(labels) != len(options.inputs):
        raise ValueError(f"found {len(labels)} labels for {len(options.inputs)} trajectories")
    n = len(options.inputs)
    intervals = options.interval * n if len(options.interval) == 1 else options.interval
    if len(intervals) != n:
        raise ValueError(f"found {len(intervals)} intervals for {n} trajectories")
    trajectories = [read_ellipsoids(path, dtype=torch.float64) for path in options.inputs]
    largest = options.largest or 0.49 * float(trajectories[0][0].cell[0].norm(dim=1).min())
    found = [
        structure(frames, largest, n_bins=options.bins, axis=options.axis)
        for frames in trajectories
    ]
    lines = ["trajectory        peak at   height  mean |Δg|  mean |Δg(r, cos)|  <P2>  D / Å²/ps"]
    for label, each, interval in zip(labels, found, intervals, strict=True):
        position, height = each.first_peak
        change, of_angles = differences(each, found[0])
        lines.append(
            f"{label:16.16s} {position:8.3f} {height:8.3f} {change:10.4f} {of_angles:18.4f} "
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


def differences(one: "Structure", other: "Structure") -> tuple[float, float]:
    """Mean absolute differences of g(r), and of g(r, |cos θ|), where the other is not zero."""
    kept = other.g > 0
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
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 7), layout="constrained")
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
