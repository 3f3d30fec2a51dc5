"""Peak memory of a function call, on Linux."""

import re
from collections.abc import Callable
from pathlib import Path


def peak_memory(run: Callable[[], object]) -> float:
    """Peak memory of the process during `run`, in MB above the memory before.

    Memory freed earlier can be reused unnoticed, so measure in a process that does little else.
    """
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = _status("VmRSS")
    run()
    return _status("VmHWM") - before


def _status(key: str) -> float:
    found = re.search(key + r":\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise OSError(f"/proc/self/status has no {key}: memory is measured on Linux only")
    return int(found.group(1)) / 1024
