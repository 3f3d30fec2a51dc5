"""Frames and models for the tests inside MACE."""

from typing import Any

import pytest
import torch
from ellipsoid_frames import Frame
from mace_models import mace_data, small_mace


@pytest.fixture
def frame(generator: torch.Generator) -> Frame:
    return Frame.random(8, generator)


@pytest.fixture(
    params=[
        {},
        {"node_embedding": "shape"},
        {"edge_orientations": False, "first": "RealAgnosticInteractionBlock"},
    ],
    ids=["edges", "shape", "plain"],
)
def model(request: pytest.FixtureRequest, float64_by_default: None, frame: Frame) -> Any:
    """A network of each kind, with scales measured on the frame."""
    model = small_mace(**request.param)
    model.measure([mace_data(frame)])
    return model
