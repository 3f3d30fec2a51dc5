"""Figures of stored results."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .modes import MODES
from .results import read_results

Row = dict[str, Any]
NAMES = {
    "numpy_only": "AniSOAP's loop",
    "torch_mixed": "loop, contraction in torch",
    "torch_full": "batched in torch",
    "summed_first": "summed first, in torch",
    "native": "native",
    "triton": "triton",
}
COLORS = dict(zip(MODES, ("C3", "C1", "C4", "C0", "C2", "k"), strict=True))
STYLE = {
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "savefig.dpi": 120,
}


def draw(folder: Path, into: Path) -> list[Path]:
    """Draw a figure for each stored benchmark that has one."""
    contents = read_results(folder)
    into.mkdir(parents=True, exist_ok=True)
    paths = []
    with mpl.rc_context(STYLE):
        for name, plot in FIGURES.items():
            if name in contents:
                paths.append(into / f"{name}.png")
                figure = plot(contents[name]["measurements"])
                figure.savefig(paths[-1])
                plt.close(figure)
    return paths


def systems(rows: Sequence[Row]) -> Figure:
    """Wall time of a call by system and mode."""
    figure, panel = plt.subplots(figsize=(7, 3.6))
    names = list(dict.fromkeys(row["system"] for row in rows))
    modes = _modes(rows)
    width = 0.8 / len(modes)
    for k, mode in enumerate(modes):
        some = [row for row in rows if row["mode"] == mode]
        places = [names.index(row["system"]) + (k - (len(modes) - 1) / 2) * width for row in some]
        panel.bar(
            places, [row["median"] for row in some], width, yerr=_spread(some),
            color=COLORS[mode], label=NAMES[mode], error_kw={"linewidth": 0.8},
        )  # fmt: skip
    pairs = {row["system"]: row["n_pairs"] for row in rows}
    panel.set_xticks(range(len(names)), [f"{name}\n{pairs[name]} pairs" for name in names])
    panel.set(yscale="log", ylabel="time of a call / s")
    _legend(figure, panel)
    return figure


def species(rows: Sequence[Row]) -> Figure:
    """Time of a pair, and time over the square of the number of particles, by the number of species."""
    shown = {"ns_per_pair": "time / pair / ns", "ns_per_n2": "time / N² / ns"}
    return _two_times(rows, "n_species", shown, xlabel="species", xticks=[1, 2, 3, 4])


def size(rows: Sequence[Row]) -> Figure:
    """Wall time and time of a pair by the number of particles."""
    shown = {"median": "time of a call / s", "ns_per_pair": "time / pair / ns"}
    return _two_times(rows, "n_particles", shown, xlabel="particles", xscale="log")


def _two_times(rows: Sequence[Row], x: str, shown: dict[str, str], **axes: Any) -> Figure:
    figure, panels = plt.subplots(1, 2, figsize=(8, 3.5), sharex=True)
    for panel, (key, label) in zip(panels, shown.items(), strict=True):
        _lines(panel, rows, x, key)
        panel.set(yscale="log", ylabel=label, **axes)
    _legend(figure, panels[0])
    return figure


def basis(rows: Sequence[Row]) -> Figure:
    """Time of a pair by the largest l and by the largest n."""
    figure, panels = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True)
    by_l = [row for row in rows if row["max_radial"] is None]
    by_n = [row for row in rows if row["max_radial"] is not None]
    _lines(panels[0], by_l, "max_angular", "ns_per_pair")
    _lines(panels[1], by_n, "max_radial", "ns_per_pair")
    panels[0].set(yscale="log", xlabel="largest l, n ≤ (l_max − l)/2", ylabel="time / pair / ns")
    panels[1].set(xlabel="largest n, l ≤ 4")
    panels[1].xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(figure, panels[0])
    return figure


def threads(rows: Sequence[Row]) -> Figure:
    """Speed relative to one thread, by the clock on the wall."""
    figure, panel = plt.subplots(figsize=(4.6, 3.2))
    for mode in _modes(rows):
        some = [row for row in rows if row["mode"] == mode]
        one = next(row["median_wall"] for row in some if row["threads"] == 1)
        counts = [row["threads"] for row in some]
        speeds = [one / row["median_wall"] for row in some]
        panel.plot(counts, speeds, "o-", color=COLORS[mode], label=NAMES[mode])
    panel.plot(counts, counts, ":", color="grey", label="ideal")
    panel.set(xlabel="threads", ylabel="speed / that of one thread", xticks=counts)
    panel.legend()
    return figure


def dtypes(rows: Sequence[Row]) -> Figure:
    """Time of a pair in float64 and float32."""
    figure, panel = plt.subplots(figsize=(5.4, 2.8))
    modes = _modes(rows)
    for k, (dtype, alpha) in enumerate((("float64", 1.0), ("float32", 0.5))):
        some = [row for row in rows if row["dtype"] == dtype]
        places = [modes.index(row["mode"]) + 0.4 * (k - 0.5) for row in some]
        times = [row["ns_per_pair"] for row in some]
        colors = [COLORS[row["mode"]] for row in some]
        bars = panel.barh(places, times, 0.38, color=colors, alpha=alpha)
        panel.bar_label(
            bars, [f"{dtype}: {_short(time)} ns" for time in times], padding=3, fontsize=8
        )
    panel.set_yticks(range(len(modes)), [NAMES[mode] for mode in modes])
    panel.set(xscale="log", xlabel="time / pair / ns")
    panel.invert_yaxis()
    panel.margins(x=0.4)
    return figure


def stages(rows: Sequence[Row]) -> Figure:
    """Speed-up of each stage over the first."""
    figure, panel = plt.subplots(figsize=(7, 3.2))
    times = [row["ns_per_pair"] for row in rows]
    colors = [COLORS[row["mode"].split(",")[0]] for row in rows]
    bars = panel.barh(range(len(rows)), times, color=colors)
    labels = [f"{_short(time)} ns, {_short(times[0] / time)} ×" for time in times]
    panel.bar_label(bars, labels, padding=4)
    panel.set_yticks(range(len(rows)), [_name(row) for row in rows])
    panel.set(xscale="log", xlabel="time / pair / ns")
    panel.invert_yaxis()
    panel.margins(x=0.3)
    return figure


def parts(rows: Sequence[Row]) -> Figure:
    """Time of three modes, and of each of their parts."""
    modes = _modes(rows)
    figure, panels = plt.subplots(1, len(modes), figsize=(11, 2.8))
    for panel, mode in zip(panels, modes, strict=True):
        some = [row for row in rows if row["mode"] == mode]
        times = [row["ns_per_pair"] for row in some]
        bars = panel.barh([row["part"] for row in some], times, color=COLORS[mode])
        bars[0].set_alpha(0.4)  # everything
        panel.bar_label(bars, list(map(_short, times)), padding=3, fontsize=8)
        panel.set(title=NAMES[mode], xlabel="time / pair / ns")
        panel.locator_params(axis="x", nbins=3)
        panel.invert_yaxis()
        panel.margins(x=0.3)
    return figure


def trajectory(rows: Sequence[Row]) -> Figure:
    """Time of a frame."""
    names = [NAMES.get(row["mode"], row["mode"]) for row in rows]
    return _ranking(
        names, [1e3 * row["median"] / row["n_frames"] for row in rows], "time / frame / ms"
    )


def peers(rows: Sequence[Row]) -> Figure:
    """Time of a pair for each package."""
    return _ranking(
        [row["mode"] for row in rows], [row["ns_per_pair"] for row in rows], "time / pair / ns"
    )


def _ranking(names: Iterable[str], times: Sequence[float], label: str) -> Figure:
    figure, panel = plt.subplots(figsize=(6, 2.8))
    slowest_first = sorted(zip(times, names, strict=True), reverse=True)
    bars = panel.barh([name for _, name in slowest_first], [time for time, _ in slowest_first])
    panel.bar_label(bars, [_short(time) for time, _ in slowest_first], padding=4)
    panel.set(xscale="log", xlabel=label)
    panel.invert_yaxis()
    panel.margins(x=0.15)
    return figure


def _name(row: Row) -> str:
    mode: str = row["mode"]
    return NAMES.get(mode, mode)


def _modes(rows: Sequence[Row]) -> list[str]:
    found = {row["mode"] for row in rows}
    return [mode for mode in MODES if mode in found]


def _lines(panel: Axes, rows: Sequence[Row], x: str, y: str) -> None:
    """One line for each mode, with the quartiles as a band."""
    for mode in _modes(rows):
        some = sorted((row for row in rows if row["mode"] == mode), key=lambda row: row[x])
        places, values = [row[x] for row in some], [row[y] for row in some]
        panel.plot(places, values, "o-", color=COLORS[mode], label=NAMES[mode], markersize=4)
        lower, upper = (
            [row[y] * row[side] / row["median"] for row in some]
            for side in ("lower_quartile", "upper_quartile")
        )
        panel.fill_between(places, lower, upper, color=COLORS[mode], alpha=0.2, linewidth=0)


def _spread(rows: Sequence[Row]) -> tuple[list[float], list[float]]:
    """Distances of the quartiles from the median."""
    return (
        [row["median"] - row["lower_quartile"] for row in rows],
        [row["upper_quartile"] - row["median"] for row in rows],
    )


def _short(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _legend(figure: Figure, panel: Axes) -> None:
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)


FIGURES: dict[str, Callable[[Sequence[Row]], Figure]] = {
    plot.__name__: plot
    for plot in (
        systems, species, size, basis, threads, dtypes, stages, parts, trajectory, peers
    )
}  # fmt: skip
