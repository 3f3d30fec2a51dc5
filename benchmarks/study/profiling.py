"""Profile of one mode: a trace of torch's profiler, and a flame graph if py-spy is installed.

``python -m benchmarks profile MODE`` starts it.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from ..systems import simple_cubic
from .environment import ROOT, pinned
from .modes import MODES, Problem, checked_routes, why_left_out

ROWS = 25  # of the table
SAMPLED = 5.0  # seconds that py-spy looks at


def write_profile(mode: str, n_per_side: int, folder: Path) -> list[Path]:
    """Write a trace for chrome://tracing, a table and, with py-spy, a flame graph."""
    run = _prepared(mode, n_per_side)
    with profile(activities=[ProfilerActivity.CPU]) as found:
        run()
    folder.mkdir(parents=True, exist_ok=True)
    trace, table, flames = (folder / f"{mode}.{end}" for end in ("trace.json", "txt", "svg"))
    found.export_chrome_trace(str(trace))
    table.write_text(found.key_averages().table(sort_by="self_cpu_time_total", row_limit=ROWS))
    spy = shutil.which("py-spy")
    if not spy:
        print("no flame graph: py-spy is not installed (pip install py-spy)", file=sys.stderr)
        return [trace, table]
    itself = [sys.executable, "-m", "benchmarks.study.profiling", mode, str(n_per_side)]
    subprocess.run(
        [spy, "record", "--native", "--output", str(flames), "--", *itself],
        cwd=ROOT, env=pinned(), check=True,
    )  # fmt: skip
    return [trace, table, flames]


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
