"""Running the hosts' own commands, in the environment of the tests."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase.io import write
from ellipsoid_frames import Frame

ROOT = Path(__file__).resolve().parents[2]


def run(
    command: list[str], folder: Path, seconds: float | None = None, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run a command of this environment; its output is text, and an error is left to the caller.

    A command that takes longer than so many seconds is ended, and refused.
    """
    program = Path(sys.executable).parent / command[0]
    return subprocess.run(
        [str(program), *command[1:]],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


def succeed(command: list[str], folder: Path, **environment: str) -> str:
    """Run a command that must succeed, and return its output."""
    done = run(command, folder, **environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def labelled_atoms(n_frames: int, seed: int, symbols: tuple[str, str] = ("X", "X")) -> list[Any]:
    """Random frames with random energies, forces and torques: enough to train on, not to learn."""
    generator = torch.Generator().manual_seed(seed)
    frames = [Frame.random(10, generator) for _ in range(n_frames)]
    return [
        frame.atoms(
            symbols,
            energy=torch.randn((), generator=generator),
            forces=torch.randn(10, 3, generator=generator),
            torques=torch.randn(10, 3, generator=generator),
        )
        for frame in frames
    ]


def write_sets(folder: Path) -> None:
    """Files train.xyz, val.xyz and test.xyz of labelled frames."""
    for seed, (name, n) in enumerate({"train": 8, "val": 4, "test": 4}.items()):
        write(folder / f"{name}.xyz", labelled_atoms(n, seed), format="extxyz")


def largest_difference(one: dict[str, Any], other: dict[str, Any], name: str) -> float:
    return float(np.abs(np.asarray(one[name]) - np.asarray(other[name])).max())
