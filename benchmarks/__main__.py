"""All benchmarks: ``python -m benchmarks``, then the files in ``results/``.

    python -m benchmarks               # measure, aggregate and plot
    python -m benchmarks --quick       # the same with few repeats, to see that all of it works
    python -m benchmarks --only size species embedding
    python -m benchmarks aggregate     # results/*.json -> results/measurements.csv
    python -m benchmarks plot          # results/*.json -> results/figures/*.png
    python -m benchmarks profile native    # table, trace, and flame graph if py-spy is installed

Benchmarks of the study (``benchmarks/study``) are measured one after the other, each in a process of its own
with one thread for every library. The other modules of this folder follow; what they print is kept in
``results/modules``.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tqdm import tqdm

from .study.environment import ROOT, pinned
from .study.modules import LEFT_OUT, MODULES, TOO_LONG, missing_for, run_module

STUDY = (
    "stages", "parts", "systems", "species", "size", "basis", "threads", "dtypes", "trajectory",
    "peers",
)  # fmt: skip
COMMANDS = ("run", "aggregate", "plot", "profile")


def main() -> None:
    arguments = _arguments(sys.argv[1:])
    if arguments.command == "profile":
        work = [arguments.mode, str(arguments.per_side), str(arguments.results / "profile")]
        command = [sys.executable, "-m", "benchmarks.study.profiling", *work]
        sys.exit(subprocess.run(command, cwd=ROOT, env=pinned(), check=False).returncode)
    failures = _run(arguments) if arguments.command == "run" else []
    if arguments.command == "run" and not any(arguments.results.glob("*.json")):
        sys.exit("\n".join(failures) or None)  # modules alone, whose reports are no table
    if arguments.command in ("run", "aggregate"):
        from .study.aggregate import aggregate

        print(aggregate(arguments.results))
    if arguments.command in ("run", "plot"):
        from .study.figures import draw

        print(*draw(arguments.results, arguments.results / "figures"), sep="\n")
    if failures:
        sys.exit("\n".join(failures))


def _run(arguments: argparse.Namespace) -> list[str]:
    """Measure, and say what is left out and why; return what failed."""
    quick, folder = arguments.quick, arguments.results
    left_out = LEFT_OUT | (TOO_LONG if quick else {})
    names = arguments.only or [*STUDY, *(name for name in MODULES if name not in left_out)]
    failures = []
    bar = tqdm(names, unit="benchmark", smoothing=0)
    for name in bar:
        bar.set_description(name)
        if name in STUDY:
            command = [sys.executable, "-m", "benchmarks.study", name, "--results", str(folder)]
            if quick:
                command.append("--quick")
            if status := subprocess.run(command, cwd=ROOT, env=pinned(), check=False).returncode:
                failures.append(f"{name} failed with status {status}; its message stands above")
        elif package := missing_for(name):
            tqdm.write(f"left out: {name}: {package} is not installed", sys.stderr)
        elif failure := run_module(name, folder / "modules", quick):
            failures.append(failure)
    _say_what_is_left_out(folder, {} if arguments.only else left_out)
    return failures


def _say_what_is_left_out(folder: Path, modules: dict[str, str]) -> None:
    from .study.results import read_results

    for name, content in read_results(folder).items() if any(folder.glob("*.json")) else ():
        for note in content["left_out"]:
            print(f"left out of {name}: {note}")
    for name, why in modules.items():
        print(f"left out: benchmarks.{name}: {why}")


def _arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--results", type=Path, default=ROOT / "results", help="folder")
    commands = parser.add_subparsers(dest="command", metavar="{run,aggregate,plot,profile}")
    run = commands.add_parser("run", parents=[shared], help="measure, aggregate and plot")
    run.add_argument("--quick", action="store_true", help="small systems, few repeats")
    run.add_argument("--only", nargs="+", choices=[*STUDY, *MODULES], metavar="NAME")
    commands.add_parser("aggregate", parents=[shared], help="one table of stored results")
    commands.add_parser("plot", parents=[shared], help="figures of stored results")
    profiled = commands.add_parser("profile", parents=[shared], help="trace of one mode")
    profiled.add_argument("mode")
    profiled.add_argument("--per-side", type=int, default=5, help="side of a cube of particles")
    if not given or given[0] not in (*COMMANDS, "-h", "--help"):
        given = ["run", *given]
    arguments = parser.parse_args(given)
    arguments.results = arguments.results.resolve()
    return arguments


if __name__ == "__main__":
    main()
