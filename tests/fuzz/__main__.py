"""The long fuzz: ``python -m tests.fuzz --calls 20000 --files 3000 --models 1000``.

Every case ends in a right result or a clear error, in bounded time and memory. Cases run in batches, each
in a process of its own. The same seeds give the same cases.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tqdm import tqdm

BATCHES = {"calls": 500, "files": 100, "models": 100}
SECONDS = 600  # for a batch
ROOT = Path(__file__).parents[2]


def run_batch(kind: str, start: int, stop: int) -> Iterator[dict[str, Any]]:
    """Reports of a batch; where the process dies or hangs, that case is a fault and the rest goes on."""
    while start < stop:
        with tempfile.TemporaryDirectory() as folder:
            status = Path(folder) / "seed"
            words = [
                sys.executable,
                "-m",
                "tests.fuzz.batch",
                kind,
                str(start),
                str(stop),
                str(status),
            ]
            try:
                done = subprocess.run(
                    words, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
                )
                end = f"the process ended with {done.returncode}: {done.stderr[-200:]}"
            except subprocess.TimeoutExpired:
                done, end = None, f"the batch took more than {SECONDS} s"
            if done is not None and done.returncode == 0:
                yield json.loads(done.stdout.splitlines()[-1])
                return
            if not status.exists():
                raise RuntimeError(f"the fuzz does not start: {end}")
            seed = int(status.read_text())
        yield {"endings": {"died": 1}, "faults": [[seed, f"{kind}, seed {seed}", end]]}
        # the cases before it are run again, since their report is lost
        yield from run_batch(kind, start, seed)
        start = seed + 1


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Fuzz of the package."
    )
    for kind, default in (("calls", 20_000), ("files", 3000), ("models", 1000)):
        parser.add_argument(f"--{kind}", type=int, default=default, metavar="N")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=2, metavar="N")
    options = parser.parse_args()
    batches = [
        (kind, start, min(start + size, options.seed + getattr(options, kind)))
        for kind, size in BATCHES.items()
        for start in range(options.seed, options.seed + getattr(options, kind), size)
    ]
    endings: dict[str, Counter[str]] = {kind: Counter() for kind in BATCHES}
    faults: list[tuple[str, Any]] = []
    total = sum(stop - start for _, start, stop in batches)
    with (
        ThreadPoolExecutor(options.processes) as pool,
        tqdm(total=total, unit="case", desc="fuzz", disable=None) as progress,
    ):
        futures = [(batch, pool.submit(lambda b=batch: list(run_batch(*b)))) for batch in batches]
        for (kind, start, stop), future in futures:
            for report in future.result():
                endings[kind].update(report["endings"])
                faults += [(kind, fault) for fault in report["faults"]]
            progress.update(stop - start)
            progress.set_postfix(faults=len(faults))
    for kind, counts in endings.items():
        listed = ", ".join(f"{n} {ending}" for ending, n in counts.most_common())
        print(f"{kind:7} {sum(counts.values()):6} cases: {listed}")
    print(f"{len(faults)} faults")
    for kind, (seed, description, fault) in faults:
        print(f"  {kind} {seed}: {description}\n    {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
