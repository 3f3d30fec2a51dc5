"""Frames and models for the tests inside nequip."""

from typing import Any

import pytest
import torch
from ellipsoid_frames import Frame
from nequip.utils.global_state import set_global_state
from nequip_models import nequip_data, small_allegro, small_nequip, small_shape


@pytest.fixture(autouse=True, scope="session")
def global_state() -> None:
    set_global_state()


@pytest.fixture
def frame(generator: torch.Generator) -> Frame:
    return Frame.random(8, generator)


@pytest.fixture(
    params=[small_nequip, small_shape, small_allegro], ids=["nequip", "shape", "allegro"]
)
def model(request: pytest.FixtureRequest, frame: Frame) -> Any:
    """A network of each kind, with scales measured on the frame."""
    model = request.param().eval()
    for module in model.modules():
        if hasattr(module, "measure_features"):
            module.measure([nequip_data(frame)])
    return model
