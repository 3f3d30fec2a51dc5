"""The examples of the README run as printed."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from anisoap_e3nn.potentials import mechanics

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
    for package in ("metatensor", "ase"):
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


def test_its_potentials_run_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ase = pytest.importorskip("ase", reason="ase is not installed")
    from anisoap_e3nn.gay_berne import gay_berne_pairs

    monkeypatch.chdir(tmp_path)
    train, _, test = gay_berne_pairs(sizes=(30, 0, 10), dtype=torch.float32)
    atoms = ase.Atoms("X2", test[0].pos.double().numpy())
    atoms.set_array("quaternions", test[0].orientations.double().numpy())
    examples = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    fit, use = (next(x for x in examples if name in x) for name in ("fit_linear", "RigidBodies"))
    names: dict[str, Any] = {"train": train, "test": test, "atoms": atoms, "data": test[0]}
    exec(fit + use, names)
    expected = mechanics(names["stack"], test[0])
    torch.testing.assert_close(
        torch.from_numpy(names["torques"]).float(), expected.torques.detach()
    )
    assert names["dynamics"].n_steps == 100


def test_its_two_commands_are_targets() -> None:
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    for target in re.findall(r"\bmake (\w+)", README):
        assert f"\n{target}: " in makefile
