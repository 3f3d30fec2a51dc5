"""A batch of cases in a process of its own: ``python -m tests.fuzz.batch KIND START STOP``.

Each case has a limit of time, and the process one of memory. The last line of its output is a report.
"""

import json
import random
import resource
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from .case import Case

SECONDS = 20  # for a case
GIBIBYTES = 6  # of addresses, most of which torch takes at the start


class TooSlow(BaseException):
    """A case took too long."""


def cases(kind: str) -> Callable[[random.Random], Case]:
    """The function that runs one case."""
    if kind == "calls":
        from .calls import odd_call

        return odd_call
    if kind == "files":
        from .files import damaged_file

        return damaged_file
    from .models import damaged_model

    return damaged_model


def run(kind: str, seeds: range, status: Path | None = None) -> dict[str, Any]:
    """Run the cases of these seeds.

    Returns
    -------
    dict
        Numbers of `endings`, and `faults` as ``[seed, description, fault]``.
    """
    one, endings, faults = cases(kind), Counter[str](), []
    signal.signal(signal.SIGALRM, _stop)
    for seed in seeds:
        if status is not None:
            status.write_text(str(seed))
        signal.alarm(SECONDS)
        try:
            case = one(random.Random(seed))
        except TooSlow:
            case = Case(f"seed {seed}", "too slow", f"took more than {SECONDS} s")
        signal.alarm(0)
        endings[case.ending] += 1
        if case.fault is not None:
            faults.append([seed, case.description, case.fault])
    return {"endings": endings, "faults": faults}


def _stop(number: int, frame: FrameType | None) -> None:
    raise TooSlow


if __name__ == "__main__":
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_AS, (GIBIBYTES << 30, GIBIBYTES << 30))
    report = run(sys.argv[1], range(int(sys.argv[2]), int(sys.argv[3])), Path(sys.argv[4]))
    print(json.dumps(report))
