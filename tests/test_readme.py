"""The README is true."""

import re
from pathlib import Path
from typing import Any

import numpy as np
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


def test_its_conversions_run_as_printed() -> None:
    for package in ("metatensor.torch", "torch_geometric", "ase"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    from anisoap_frames import random_frame  # which imports ASE

    examples = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    from_embedding, conversions, from_anisoap = (
        next(text for text in examples if name in text)
        for name in ("AniSOAPEmbedding(", "metatensor_to_e3nn", "interop.anisoap")
    )
    random = np.random.default_rng(0)
    frame = random_frame(random, [1, 6, 6])
    hypers = {
        "max_angular": 2,
        "radial_basis_name": "gto",
        "radial_gaussian_width": 1.5,
        "cutoff_radius": 4.0,
        "rotation_key": "c_q",
        "rotation_type": "quaternion",
    }
    names: dict[str, Any] = {"frames": [frame], "AniSOAP_HYPERS": hypers}
    with pytest.warns(UserWarning, match="In quaternion mode"):
        exec(from_anisoap, names)
    assert names["power_spectrum"].shape == (1, 2 * (4**2 + 2**2 + 2**2))
    names["tensor_map"] = names["calculator"].transform([frame])
    exec(from_embedding + conversions, names)
    assert str(names["irreps"]) == "4x0e+2x1o+2x2e"
    assert names["x"].shape == (3, names["irreps"].dim)
    assert len(names["tensor_map"].keys) == 5  # of the embedding's features


def test_its_two_commands_are_targets() -> None:
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    for target in re.findall(r"\bmake (\w+)", README):
        assert f"\n{target}: " in makefile
