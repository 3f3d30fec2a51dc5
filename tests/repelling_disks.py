"""A small fluid of disks in a file, and the model that it is labelled with."""

from pathlib import Path

import pytest
import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.data.files.extended_xyz_file import ExtendedXYZFile
from anisoap_e3nn.gay_berne import label_frames
from anisoap_e3nn.potentials import SurfaceRepulsion, save_model


def repulsion() -> SurfaceRepulsion:
    """Model of the disks."""
    return SurfaceRepulsion([0], 6.0, strength=0.5, decay_length=0.5).double()


@pytest.fixture
def fluid(tmp_path: Path, generator: torch.Generator) -> EllipsoidData:
    """Eight disks that repel each other, in a file with masses and moments, and the model beside it."""
    model = repulsion()
    save_model(model, tmp_path / "model.pt")
    frame = EllipsoidData(
        5 * torch.cartesian_prod(*[torch.arange(2.0)] * 3).double()
        + 0.2 * torch.randn(8, 3, generator=generator).double(),
        torch.randn(8, 4, generator=generator).double(),
        torch.tensor([[2.0, 2, 1]] * 8).double(),
        [0] * 8,
        10 * torch.eye(3).double(),
        True,
    )
    (frame,) = label_frames(model, [frame])
    frame.masses = torch.full((8,), 78.0).double()
    frame.moments = torch.tensor([[90.0, 90, 180]] * 8).double()
    with ExtendedXYZFile(tmp_path / "start.xyz") as file:
        file.append(frame)
        file.finish()
    return frame
