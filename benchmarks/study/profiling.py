"""Profile of one mode: a table and a trace, and a flame graph if py-spy is installed.

``python -m benchmarks profile MODE`` starts it. The loops are profiled by cProfile, the other modes by torch.
In torch's table the row with the mode's name has all that is outside torch's operations, such as our C++
kernels. py-spy sees Python and C++.
"""

import argparse
import cProfile
import pstats
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile, record_function

from ..systems import simple_cubic
from .environment import ROOT, pinned
from .modes import LOOPS, MODES, Problem, checked_routes, why_left_out

ROWS = 25  # of the table
SAMPLED = 10.0  # seconds that py-spy looks at


def write_profile(mode: str, n_per_side: int, folder: Path) -> list[Path]:
    """Write the table, the trace for chrome://tracing or pstats, and the flame graph."""
    run = _prepared(mode, n_per_side)
    folder.mkdir(parents=True, exist_ok=True)
    write = _by_cprofile if mode in LOOPS else _by_torch
    paths = write(mode, run, folder)
    spy = shutil.which("py-spy")
    if not spy:
        print("no flame graph: py-spy is not installed (pip install py-spy)", file=sys.stderr)
        return paths
    flames = folder / f"{mode}.svg"
    itself = [sys.executable, "-m", "benchmarks.study.profiling", mode, str(n_per_side)]
    subprocess.run(
        [spy, "record", "--native", "--output", str(flames), "--", *itself],
        cwd=ROOT, env=pinned(), check=True,
    )  # fmt: skip
    return [*paths, flames]


def _by_torch(mode: str, run: Callable[[], object], folder: Path) -> list[Path]:
    with profile(activities=[ProfilerActivity.CPU]) as found, record_function(mode):
        run()
    table, trace = folder / f"{mode}.txt", folder / f"{mode}.trace.json"
    table.write_text(found.key_averages().table(sort_by="self_cpu_time_total", row_limit=ROWS))
    found.export_chrome_trace(str(trace))
    return [table, trace]


def _by_cprofile(mode: str, run: Callable[[], object], folder: Path) -> list[Path]:
    profiler = cProfile.Profile()
    profiler.runcall(run)
    table, stats = folder / f"{mode}.txt", folder / f"{mode}.pstats"
    with table.open("w", encoding="utf-8") as file:
        pstats.Stats(profiler, stream=file).sort_stats("tottime").print_stats(ROWS)
    profiler.dump_stats(stats)
    return [table, stats]


def _prepared(mode: str, n_per_side: int) -> Callable[[], object]:
    if why := why_left_out(mode):
        sys.exit(f"{mode} cannot run here: {why}")
    torch.set_num_threads(1)
    routes, _ = checked_routes([mode], Problem(simple_cubic((n_per_side,) * 3)))
    return routes[mode].run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("n_per_side", type=int)
    parser.add_argument("folder", type=Path, nargs="?", help="by default the mode only runs")
    arguments = parser.parse_args()
    with torch.no_grad():
        if arguments.folder:
            paths = write_profile(arguments.mode, arguments.n_per_side, arguments.folder)
            print(*paths, sep="\n")
            return
        run = _prepared(arguments.mode, arguments.n_per_side)
        end = time.perf_counter() + SAMPLED
        while time.perf_counter() < end:
            run()


if __name__ == "__main__":
    main()
