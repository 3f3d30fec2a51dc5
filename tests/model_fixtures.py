"""An energy model and frames of every kind."""

from typing import Any

import pytest
import torch
from e3nn import o3
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.graph import lists
from common import Ellipsoids

CUTOFF = 4.0


class InvariantEnergy(torch.nn.Module):
    """Energies of the particles, a small network of the squared norms of their features."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = AniSOAPEmbedding(
            [6, 1],
            CUTOFF,
            3,
            radial_gaussian_width=1.2,
            cutoff_function="polynomial",
            irreps_out="4x0e+3x1o+3x2e+2x3o",
        )
        self.norm = o3.Norm(self.embedding.irreps_out, squared=True)
        n = self.norm.irreps_out.dim
        self.readout = torch.nn.Sequential(
            torch.nn.Linear(n, 6), torch.nn.Tanh(), torch.nn.Linear(6, 1)
        )

    def forward(self, data: EllipsoidData) -> Tensor:
        invariants = 200 * self.norm(self.embedding(data))  # near 1 -> [particle, invariant]
        energies: Tensor = self.readout(invariants).squeeze(1)
        return energies  # -> [particle]


@pytest.fixture(autouse=True)
def double_precision(float64_by_default: None) -> None:
    """float64 in every test of the room."""


@pytest.fixture
def model() -> InvariantEnergy:
    torch.manual_seed(1)  # the weights
    return InvariantEnergy()


@pytest.fixture
def frames(ellipsoids: Ellipsoids) -> dict[str, EllipsoidData]:
    """Quaternions have random norms; the first particle is not turned at all."""
    e = ellipsoids
    e.orientations[0] = torch.tensor([1.0, 0.0, 0.0, 0.0])

    def frame(n: int, pbc: list[bool] | None, shrunk: float = 1.0) -> EllipsoidData:
        cell = None if pbc is None else shrunk * e.cell
        return EllipsoidData(
            e.positions[:n], e.orientations[:n], e.semiaxes[:n], e.types[:n], cell, pbc
        )

    periodic = [True, True, True]
    return {
        "periodic": frame(6, periodic),
        "open": frame(8, None),
        "slab": frame(5, [True, False, True]),
        "one_periodic": frame(1, periodic, 0.4),  # its neighbours are its images
        "one_open": frame(1, None),
        "empty": frame(0, None),
    }


@pytest.fixture
def spaced(frames: dict[str, EllipsoidData]) -> dict[str, EllipsoidData]:
    """The frames with particles that overlap less."""
    for data in frames.values():
        data.semiaxes = data.semiaxes / 3
    return frames


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The cutoffs of all searches for neighbours, one for each frame, whoever asks."""
    cutoffs: list[float] = []
    find_edges = lists.find_edges

    def counted(points: Any, types: Any, cutoff: float, *others: Any) -> Any:
        cutoffs.append(cutoff)
        return find_edges(points, types, cutoff, *others)

    monkeypatch.setattr(lists, "find_edges", counted)
    return cutoffs
