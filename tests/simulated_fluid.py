"""The command simulate on the fluid of ``repelling_disks``."""

from pathlib import Path
from typing import Any

from anisoap_e3nn import cli


def run_simulate(folder: Path, output: str, *words: Any) -> int:
    """Run the command on the file and the model of a folder, and return its exit code."""
    return cli.main(simulate_command(folder, output, *words))


def simulate_command(folder: Path, output: str, *words: Any) -> list[str]:
    """Words of the command for a few steps."""
    options = ["--temperature", 300, "--equilibration", 0.04, "--every", 0.02]
    command = ["simulate", folder / "model.pt", folder / "start.xyz", "-o", folder / output]
    return [str(x) for x in [*command, *options, *words]]
