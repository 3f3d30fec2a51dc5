"""One table of all stored measurements."""

import csv
from pathlib import Path
from typing import Any

from .results import read_results

COLUMNS = (
    "benchmark", "system", "mode", "part", "n_particles", "n_pairs", "n_species", "max_angular",
    "max_radial", "dtype", "threads", "n_frames", "clock", "repeats", "median", "lower_quartile",
    "upper_quartile", "fastest", "median_wall", "ns_per_pair", "ns_per_n2", "error", "quick", "cpu", "cores",
    "instruction_set", "gpu", "blas_of_torch", "blas_of_numpy", "load_average", "python", "torch",
    "numpy", "revision",
)  # fmt: skip


def aggregate(folder: Path) -> Path:
    """Write ``folder/measurements.csv``: a row for each measurement, with its machine and versions."""
    path = folder / "measurements.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        for content in read_results(folder).values():
            shared = _shared(content)
            writer.writerows(row | shared for row in content["measurements"])
    return path


def _shared(content: dict[str, Any]) -> dict[str, Any]:
    """Columns that all measurements of a benchmark share."""
    environment = content["environment"]
    sets = environment["instruction_sets"]
    return environment | {
        "benchmark": content["benchmark"],
        "quick": content["quick"],
        "instruction_set": f"x86-64-{sets[0]}" if sets else None,
        "torch": environment["versions"]["torch"],
        "numpy": environment["versions"]["numpy"],
    }
