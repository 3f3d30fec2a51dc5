"""Crystals of ellipsoids for the benchmarks."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from ase import Atoms
from ase.build import bulk
from ase.io import iread
from torch import Tensor

from anisoap_e3nn.graph import edge_vectors, neighbor_list

BENZENE = Path(__file__).resolve().parents[2] / "shared" / "data" / "benzene_crystals.xyz"


@dataclass
class System:
    """One periodic frame of ellipsoids, in float64."""

    name: str
    positions: Tensor
    cell: Tensor
    types: Tensor
    orientations: Tensor
    semiaxes: Tensor

    @classmethod
    def from_atoms(cls, name: str, atoms: Atoms) -> "System":
        """System with the positions and types of atoms, and random orientations and semi-axes."""
        generator = torch.Generator().manual_seed(len(atoms))
        return cls(
            name,
            torch.from_numpy(atoms.positions.copy()),
            torch.from_numpy(np.array(atoms.cell)),
            torch.from_numpy(atoms.numbers.astype(np.int64)),
            torch.randn(len(atoms), 4, dtype=torch.float64, generator=generator),
            0.4 + torch.rand(len(atoms), 3, dtype=torch.float64, generator=generator),
        )

    def to_atoms(self) -> Atoms:
        """Atoms with the types, positions and cell."""
        return Atoms(
            numbers=self.types.numpy(),
            positions=self.positions.numpy(),
            cell=self.cell.numpy(),
            pbc=True,
        )

    def search(self, cutoff: float) -> tuple[Tensor, Tensor]:
        """Neighbour list and shifts."""
        return neighbor_list(self.positions, cutoff, cell=self.cell, types=self.types)

    def inputs(self, edge_index: Tensor, shifts: Tensor) -> dict[str, Tensor]:
        """Inputs of the embedding."""
        return {
            "edge_vectors": edge_vectors(self.positions, edge_index, shifts, self.cell),
            "edge_index": edge_index,
            "types": self.types,
            "orientations": self.orientations,
            "semiaxes": self.semiaxes,
        }


def crystal(*repeats: int) -> System:
    """Rattled rock salt: a cubic cell of 5.6 Å with 8 particles of two types, repeated along its axes.

    One number of repeats applies to all axes.
    """
    a, b, c = repeats * 3 if len(repeats) == 1 else repeats
    atoms = bulk("NaCl", "rocksalt", a=5.6, cubic=True).repeat((a, b, c))
    atoms.rattle(0.1, seed=a)
    return System.from_atoms(f"NaCl {a}x{b}x{c}", atoms)


def simple_cubic(shape: tuple[int, int, int], n_species: int = 2, spacing: float = 2.8) -> System:
    """Rattled simple cubic lattice, as dense as :func:`crystal` unless another spacing is given.

    The number of species changes the labels alone: positions, orientations and semi-axes are the same.
    """
    atoms = bulk("Po", "sc", a=spacing).repeat(shape)
    atoms.rattle(0.1, seed=len(atoms))
    atoms.numbers = 1 + np.arange(len(atoms)) % n_species
    return System.from_atoms(f"{len(atoms)} particles", atoms)


def benzene() -> System | None:
    """First benzene crystal of the data file, doubled in each direction; None without the file."""
    if not BENZENE.exists():
        return None
    return System.from_atoms("C6H6 2x2x2", next(iread(BENZENE)).repeat(2))
