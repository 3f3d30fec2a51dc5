"""Damaged checkpoints are refused, with the path, or give the model that was saved."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from anisoap_e3nn.potentials import StackedPotential, load_model
from tests.fuzz.damage import flip, put_in, take_out, zero


@pytest.mark.parametrize("damage", [flip, take_out, put_in, zero])
def test_damaged_bytes(damage: Any, path: Path, stack: StackedPotential) -> None:
    file, rng, refused, intact = path.read_bytes(), random.Random(0), 0, 0
    for _ in range(60):
        path.write_bytes(damage(file, rng))
        try:
            state = load_model(path).state_dict()
        except ValueError as error:
            refused += str(path) in str(error)
        else:  # bytes that mean nothing, such as padding
            assert all(torch.equal(x, state[name]) for name, x in stack.state_dict().items())
            intact += 1
    assert refused + intact == 60
    assert refused > 10


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "float31"},
        {"dtype": 7},
        {"dtype": "nn"},
        {"model": "["},
        {"model": 3},
        {"model": "[" * 100_000},
        {"model": "{}"},
        {"model": '{"class": "anisoap_e3nn.potentials.OneBodyPotential"}'},
        {"model": '{"class": 3, "arguments": {}}'},
        {"model": '{"class": "anisoap_e3nn.potentials.OneBodyPotential", "arguments": []}'},
        {"model": "7"},
        {"state": 4},
        {"state": {"a": 3}},
        {"state": {3: torch.zeros(2)}},
    ],
    ids=str,
)
def test_damaged_contents(change: dict[str, Any], path: Path) -> None:
    torch.save(torch.load(path, weights_only=True) | change, path)
    with pytest.raises(ValueError, match=r"stack.pt, written with .*, cannot be read with"):
        load_model(path)


@pytest.mark.parametrize(
    "change",
    [torch.Tensor.to_sparse, torch.Tensor.half, torch.Tensor.long, torch.Tensor.tolist],
)
def test_weights_of_another_kind(change: Any, path: Path) -> None:
    contents = torch.load(path, weights_only=True)
    name = next(name for name, x in contents["state"].items() if x.is_floating_point())
    contents["state"][name] = change(contents["state"][name])
    torch.save(contents, path)
    with pytest.raises(ValueError, match=r"that is no dense tensor of the right dtype") as caught:
        load_model(path)
    assert "\n" not in str(caught.value)
