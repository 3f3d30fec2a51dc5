"""Energy models on the embedding, and crystals as training data."""

from typing import Any

import torch
from ase.build import bulk
from e3nn import o3
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData

from .systems import System

CUTOFF = 7.0
MAX_ANGULAR = 6


def smooth_embedding(irreps_out: str) -> AniSOAPEmbedding:
    torch.manual_seed(0)
    return AniSOAPEmbedding(
        [11, 17],
        CUTOFF,
        MAX_ANGULAR,
        radial_gaussian_width=1.5,
        cutoff_function="polynomial",
        irreps_out=irreps_out,
    ).double()


class LinearEnergy(torch.nn.Module):
    """Energies linear in the coefficients."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = smooth_embedding("0e")

    def forward(self, data: EllipsoidData) -> Tensor:
        return self.embedding(data).squeeze(1)  # -> [particle]


class InvariantEnergy(torch.nn.Module):
    """Energies from a small network of invariants: scalars and norms of l = 1 and l = 2 features."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = smooth_embedding("16x0e + 16x1o + 16x2e")
        self.norm = o3.Norm(self.embedding.irreps_out, squared=True).double()
        self.network = torch.nn.Sequential(
            torch.nn.Linear(48, 32), torch.nn.SiLU(), torch.nn.Linear(32, 1)
        ).double()

    def forward(self, data: EllipsoidData) -> Tensor:
        return self.network(self.norm(self.embedding(data))).squeeze(1)  # -> [particle]


def ellipsoids(system: System) -> EllipsoidData:
    return EllipsoidData(
        pos=system.positions,
        orientations=system.orientations,
        semiaxes=system.semiaxes,
        types=system.types,
        cell=system.cell,
        pbc=True,
    )


def batch_of_crystals() -> Any:
    """32 rattled crystals of 100 particles with neighbours and random targets."""
    frames = []
    for seed in range(32):
        atoms = bulk("NaCl", "rocksalt", a=5.6).repeat((5, 5, 2))
        atoms.rattle(0.1, seed=seed)
        data = ellipsoids(System.from_atoms("NaCl", atoms)).with_edges(CUTOFF)
        generator = torch.Generator().manual_seed(seed)
        data.energy = torch.randn(1, generator=generator, dtype=torch.float64)
        data.forces = torch.randn(100, 3, generator=generator, dtype=torch.float64)
        data.torques = torch.randn(100, 3, generator=generator, dtype=torch.float64)
        frames.append(data)
    return Batch.from_data_list(frames)
