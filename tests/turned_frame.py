"""Frames of ellipsoids as they are after a rotation of space, or a rotation and inversion."""

import torch
from torch import Tensor

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.geometry import rotation_matrices


def proper(R: Tensor) -> Tensor:
    """How ellipsoids turn, and torques: being even, they cannot tell R from -R."""
    return R * torch.linalg.det(R)


def turned(data: EllipsoidData, R: Tensor) -> EllipsoidData:
    moved = data.clone()
    moved.pos, moved.cell = data.pos @ R.T, data.cell @ R.T
    moved.orientations = proper(R) @ rotation_matrices(data.orientations)
    return moved
