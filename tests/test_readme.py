"""The README is true."""

import re
from pathlib import Path

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


def test_its_two_commands_are_targets() -> None:
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    for target in re.findall(r"\bmake (\w+)", README):
        assert f"\n{target}: " in makefile
