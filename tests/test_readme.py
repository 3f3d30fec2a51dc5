"""The examples of the README run as printed."""

import re
import subprocess
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


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
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 2
    results = """
print(tuple(x.shape), tuple(result.torques.shape), dynamics.n_steps, min(scores))
"""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks) + results],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *shapes, score = done.stdout.splitlines()[-1].rsplit(maxsplit=1)
    assert shapes == ["(2, 35) (2, 3) 100"]
    stated = re.search(r"above (0\.\d+) for energies, forces and torques", README)
    assert stated is not None
    assert float(score) > float(stated[1])


def test_its_links_lead_to_files() -> None:
    links = re.findall(r"\]\((?!https:)([^)]+)\)", README)
    assert len(links) > 20
    for link in links:
        assert (ROOT / link).is_file(), link


def test_its_commands_are_targets() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake (\w+)", README):
        assert f"\n{target}: " in makefile
