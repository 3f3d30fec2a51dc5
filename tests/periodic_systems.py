"""Random particles in random cells."""

import itertools

import torch
from torch import Tensor

AXES = list(itertools.product([False, True], repeat=3))


def triclinic_cell(generator: torch.Generator, size: float) -> Tensor:
    cell = torch.eye(3, dtype=torch.float64) * size
    cell += 0.3 * size * torch.randn(3, 3, dtype=torch.float64, generator=generator)
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=generator))[0]
    return cell @ turn  # of either handedness


def random_positions(n: int, spread: float, generator: torch.Generator) -> Tensor:
    return spread * torch.randn(n, 3, dtype=torch.float64, generator=generator)
