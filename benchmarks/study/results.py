"""Results of the study: one JSON file for each benchmark."""

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..timing import Elapsed


@dataclass
class Measurement:
    """Times of one piece of work.

    The record that is stored has the processor time where one thread of the CPU does the work, so that other
    programs on the machine do not count, else the wall time. On an idle machine both are the same.

    Attributes
    ----------
    mode : str
        The route, or the package.
    times : list of Elapsed
        Time of each repeat.
    n_particles, n_pairs, n_species : int
        Size of the system. Pairs include those of each particle with itself.
    max_angular : int
    max_radial : int or None
    dtype : str
    threads : int
    error : float or None
        Difference of the coefficients from the embedding in float64, relative to the largest.
    part : str
        Part of the work that was timed; empty for all of it.
    n_frames : int
        Number of frames that a repeat goes through.
    system : str
        Name of the system.
    """

    mode: str
    times: list[Elapsed]
    n_particles: int
    n_pairs: int
    n_species: int = 2
    max_angular: int = 6
    max_radial: int | None = None
    dtype: str = "float64"
    threads: int = 1
    error: float | None = None
    part: str = ""
    n_frames: int = 1
    system: str = ""

    def summary(self) -> dict[str, Any]:
        """The record: median, quartiles and fastest of the times in seconds, and times per pair and N²."""
        clock = "processor" if self.threads == 1 and self.mode != "triton" else "wall"
        seconds = [getattr(each, clock) for each in self.times]
        lower, upper = np.percentile(seconds, [25, 75])
        median = statistics.median(seconds)
        record = asdict(self)
        del record["times"]
        return record | {
            "clock": clock,
            "seconds": seconds,
            "repeats": len(seconds),
            "median": median,
            "fastest": min(seconds),
            "lower_quartile": float(lower),
            "upper_quartile": float(upper),
            "median_wall": statistics.median(each.wall for each in self.times),
            "ns_per_pair": 1e9 * median / (self.n_pairs * self.n_frames),
            "ns_per_n2": 1e9 * median / (self.n_particles**2 * self.n_frames),
        }


@dataclass
class Result:
    """Measurements of one benchmark, and what was left out of it and why."""

    benchmark: str
    measurements: list[Measurement] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def leave_out(self, what: str, why: str) -> None:
        """Note once that something was left out."""
        note = f"{what}: {why}"
        if note not in self.left_out:
            self.left_out.append(note)

    def write(self, folder: Path, environment: dict[str, Any], quick: bool) -> Path:
        """Write ``folder/benchmark.json``, complete or not at all."""
        content = {
            "benchmark": self.benchmark,
            "quick": quick,
            "environment": environment,
            "left_out": self.left_out,
            "measurements": [each.summary() for each in self.measurements],
        }
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.benchmark}.json"
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
        return partial.replace(path)


def read_results(folder: Path) -> dict[str, dict[str, Any]]:
    """Stored results by the name of the benchmark.

    Raises
    ------
    FileNotFoundError
        If there are none.
    """
    contents = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    if not contents:
        raise FileNotFoundError(
            f"{folder} has no results (*.json); measure them by `python -m benchmarks run`"
        )
    return {content["benchmark"]: content for content in contents}
