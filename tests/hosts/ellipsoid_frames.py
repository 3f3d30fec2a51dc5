"""Random periodic ellipsoids for the tests inside other projects."""

from dataclasses import dataclass, replace

import torch
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from torch import Tensor

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.geometry import matrices_to_quaternions, rotation_matrices


@dataclass
class Frame:
    """One triclinic frame of ellipsoids of the types 0 and 1, float64."""

    positions: Tensor
    orientations: Tensor
    semiaxes: Tensor
    types: Tensor
    cell: Tensor

    @staticmethod
    def random(n: int, generator: torch.Generator) -> "Frame":
        def rand(*shape: int) -> Tensor:
            return torch.rand(*shape, dtype=torch.float64, generator=generator)

        cell = 5.0 * torch.eye(3, dtype=torch.float64) + 0.6 * rand(3, 3) - 0.3
        types = torch.arange(n) % 2
        orientations = torch.randn(n, 4, dtype=torch.float64, generator=generator)
        return Frame(rand(n, 3) @ cell, orientations, 0.3 + rand(n, 3), types, cell)

    def turned(self, rotation: Tensor) -> "Frame":
        """By an orthogonal matrix. An inversion turns no ellipsoid, since it is its own mirror image."""
        proper = rotation * torch.linalg.det(rotation)
        turned = matrices_to_quaternions(proper @ rotation_matrices(self.orientations))
        return replace(
            self,
            positions=self.positions @ rotation.T,
            orientations=turned,
            cell=self.cell @ rotation.T,
        )

    def permuted(self, order: Tensor) -> "Frame":
        return replace(
            self,
            positions=self.positions[order],
            orientations=self.orientations[order],
            semiaxes=self.semiaxes[order],
            types=self.types[order],
        )

    def strained(self, strain: Tensor) -> "Frame":
        grow = torch.eye(3, dtype=torch.float64) + strain
        return replace(self, positions=self.positions @ grow, cell=self.cell @ grow)

    def rotated_particle(self, i: int, angles: Tensor) -> "Frame":
        """Turn one particle about the axes of space by small angles."""
        x, y, z = angles.tolist()
        cross = torch.tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]], dtype=torch.float64)
        orientations = self.orientations.clone()
        matrix = torch.linalg.matrix_exp(cross) @ rotation_matrices(orientations[i : i + 1])
        orientations[i] = matrices_to_quaternions(matrix)[0]
        return replace(self, orientations=orientations)

    @property
    def data(self) -> EllipsoidData:
        return EllipsoidData(
            self.positions, self.orientations, self.semiaxes, self.types, self.cell, True
        )

    def atoms(self, symbols: tuple[str, str] = ("X", "H"), **results: Tensor) -> Atoms:
        """The same for ASE, with arrays that the hosts read; `results` may be energy, forces and torques."""
        atoms = Atoms(
            [symbols[t] for t in self.types.tolist()],
            self.positions.numpy(),
            cell=self.cell.numpy(),
            pbc=True,
        )
        atoms.set_array("orientations", self.orientations.numpy())
        atoms.set_array("semiaxes", self.semiaxes.numpy())
        if "torques" in results:
            atoms.set_array("torques", results.pop("torques").numpy())
        if results:
            atoms.calc = SinglePointCalculator(
                atoms, energy=float(results["energy"]), forces=results["forces"].numpy()
            )
        return atoms


def random_orthogonal(generator: torch.Generator, determinant: int) -> Tensor:
    """A rotation, or a rotation with an inversion."""
    matrix, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=generator))
    return matrix * torch.linalg.det(matrix).sign() * determinant
