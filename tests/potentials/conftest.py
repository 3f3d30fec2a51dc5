"""An energy model and frames of every kind, in float64, and a stack in a checkpoint."""

from pathlib import Path

import pytest
import torch

from anisoap_e3nn.potentials import OneBodyPotential, PairPotential, StackedPotential, save_model
from model_fixtures import double_precision, frames, model, searches, spaced

__all__ = ["double_precision", "frames", "model", "searches", "spaced"]


@pytest.fixture
def stack() -> StackedPotential:
    torch.manual_seed(3)
    pair = PairPotential([6, 1], cutoff=4.0, n_radial=4, max_degree=2)
    wide = PairPotential([1, 6], cutoff=5.0, n_radial=3, max_degree=0, decay_length=0.9)
    stack = StackedPotential([OneBodyPotential([1, 6]), pair, wide])
    for parameter in stack.parameters():
        torch.nn.init.normal_(parameter)
    return stack


@pytest.fixture
def path(stack: StackedPotential, tmp_path: Path) -> Path:
    save_model(stack, tmp_path / "stack.pt")
    return tmp_path / "stack.pt"
