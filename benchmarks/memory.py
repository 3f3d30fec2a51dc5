"""Peak memory of a piece of work, on Linux."""

import re
from collections.abc import Callable
from pathlib import Path


def peak_memory(run: Callable[[], object]) -> float:
    """MB that this process holds at most during `run`, above what it holds before.

    Memory that was freed before may be used again unseen, so measure in a process that did little else.
    """
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    before = _status("VmRSS")
    run()
    return _status("VmHWM") - before


def _status(key: str) -> float:
    found = re.search(key + r":\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise OSError(f"/proc/self/status has no {key}: memory is measured on Linux only")
    return int(found.group(1)) / 1024
