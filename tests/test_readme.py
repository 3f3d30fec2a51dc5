"""The examples of the README run as printed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_its_first_example_runs_as_printed() -> None:
    block = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert block is not None
    names: dict[str, object] = {}
    exec(block[1], names)
    x, embedding = names["x"], names["embedding"]
    assert isinstance(x, torch.Tensor)
    assert x.shape == (2, embedding.irreps_out.dim)  # type: ignore[attr-defined]
    assert str(embedding.irreps_out) in block[1]  # type: ignore[attr-defined]


def test_its_blocks_run_one_after_the_other(tmp_path: Path) -> None:
    """In a fresh interpreter, with nothing added."""
    for package in ("metatensor", "ase"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) >= 9
    results = """
print(*(tuple(each.shape) for each in (x, invariants, benzene.semiaxes, power_spectrum)))
print(irreps, len(frames), dynamics.n_steps, min(r_squared(stack, test)) > 0.9, torques.shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks) + results],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shapes, numbers = done.stdout.splitlines()[-2:]
    assert shapes == "(400, 35) (2, 14) (1, 3) (1, 19)"
    assert numbers == "3x0e+2x1o+2x2e+1x3o+1x4e 1 100 True (2, 3)"


def test_its_two_commands_are_targets() -> None:
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    for target in re.findall(r"\bmake (\w+)", README):
        assert f"\n{target}: " in makefile
