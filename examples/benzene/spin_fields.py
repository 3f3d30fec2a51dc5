"""What the mean forces of liquid benzene are made of: pairs, and the spins of third molecules.

``python examples/benzene/spin_fields.py`` prints how much of the mean forces and torques of the test frames
pairs explain whose spins about the normals are distributed

0. as those of isolated pairs,
1. and more: in the fields of all neighbours of both molecules, whose own spins are free of further fields,
2. and more: with fields on these neighbours, and so on.

Molecules are rigid, with the interactions of opls.py and six spins ten degrees apart, for benzene is back
after sixty. The fields are the messages of belief propagation, after so many rounds.
"""

import argparse
from typing import NamedTuple

import torch
from opls import CHARGES, DIAMETERS, WELLS
from prepare import frames
from torch import Tensor
from tqdm import tqdm

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.data import visible_torques
from anisoap_e3nn.geometry import quaternions_to_matrices, torques_of_gradient

KT = 0.0019872041 * 300  # kcal/mol
COULOMB = 332.06371  # kcal/mol Å/e²
INNER, CUTOFF = 8.0, 9.5  # Å, between which forces are switched off
N_SPINS, ROUNDS, PAIRS_AT_ONCE = 6, 4, 200
KINDS = "C" * 6 + "H" * 6
RADII = {"C": 1.40, "H": 2.48}  # Å, of the two rings


def of_pairs(values: dict[str, float]) -> Tensor:
    """Products of the values of two atoms ``(12, 12)``."""
    row = torch.tensor([values[kind] for kind in KINDS], dtype=torch.float64)
    return row[:, None] * row


SIXTHS = of_pairs(DIAMETERS) ** 3
WELL = of_pairs(WELLS).sqrt()
STRENGTHS = {  # of the terms r^-n
    1: COULOMB * of_pairs(CHARGES),
    6: -4 * WELL * SIXTHS,
    12: 4 * WELL * SIXTHS**2,
}


def switched_power(r: Tensor, n: int) -> Tensor:
    """r^-n, whose force is switched off between INNER and CUTOFF, as LAMMPS' gromacs styles do."""
    width, value = CUTOFF - INNER, CUTOFF**-n
    slope, curvature = -n * value / CUTOFF, n * (n + 1) * value / CUTOFF**2
    a = (-3 * slope + width * curvature) / width**2
    b = (2 * slope - width * curvature) / width**3
    c = -value + width * slope / 2 - width**2 * curvature / 12
    x = (r - INNER).clamp(min=0)
    return torch.where(r < CUTOFF, r**-n + a / 3 * x**3 + b / 4 * x**4 + c, 0.0)


def spun_atoms() -> Tensor:
    """Positions of the atoms for each spin, along the axes of the molecule ``(spin, atom, 3)``."""
    spins = torch.arange(N_SPINS, dtype=torch.float64) * torch.pi / 3 / N_SPINS
    angles = spins[:, None] + torch.arange(12, dtype=torch.float64) * torch.pi / 3
    radii = torch.tensor([RADII[kind] for kind in KINDS], dtype=torch.float64)
    return torch.stack([radii * angles.cos(), radii * angles.sin(), 0 * angles], dim=-1)


class Pairs(NamedTuple):
    """Molecules i and j, and the vectors from j to i."""

    i: Tensor
    j: Tensor
    vectors: Tensor

    @classmethod
    def of(cls, data: EllipsoidData) -> "Pairs":
        """All pairs of which two atoms can be within the cutoff, each once."""
        i, j = torch.triu_indices(len(data.pos), len(data.pos), 1)
        length = data.cell[0, 0, 0]
        vectors = data.pos[i] - data.pos[j]
        vectors = vectors - length * (vectors / length).round()
        near = vectors.norm(dim=1) < CUTOFF + 2 * RADII["H"]
        return cls(i[near], j[near], vectors[near])

    def chunks(self) -> list["Pairs"]:
        parts = zip(*(x.split(PAIRS_AT_ONCE) for x in self), strict=True)
        return [Pairs(*part) for part in parts]


def energies(pairs: Pairs, vectors: Tensor, quaternions: Tensor) -> Tensor:
    """Energies of pairs for all their spins ``(pair, spin, spin)``."""
    atoms = torch.einsum("nij,saj->nsai", quaternions_to_matrices(quaternions), spun_atoms())
    of_i, of_j = atoms[pairs.i][:, :, None, :, None], atoms[pairs.j][:, None, :, None]
    r = (vectors[:, None, None, None, None] + of_i - of_j).norm(dim=-1)
    terms = (strength * switched_power(r, n) for n, strength in STRENGTHS.items())
    return sum(terms, torch.zeros(())).sum((-1, -2))


def mean_forces(
    data: EllipsoidData, pairs: Pairs, weights: list[Tensor]
) -> list[tuple[Tensor, Tensor]]:
    """Forces and visible torques of spins that are distributed with each of the weights."""
    n_sets = len(weights)
    forces, torques = torch.zeros(2, n_sets, *data.pos.shape, dtype=data.pos.dtype)
    shares = [each.split(PAIRS_AT_ONCE) for each in weights]
    for part, *of_part in zip(pairs.chunks(), *shares, strict=True):
        vectors = part.vectors.clone().requires_grad_()
        quaternions = data.orientations.clone().requires_grad_()
        table = energies(part, vectors, quaternions)
        for k, share in enumerate(of_part):
            of_vectors, of_quaternions = torch.autograd.grad(
                table, (vectors, quaternions), share, retain_graph=k + 1 < n_sets
            )
            forces[k].index_add_(0, part.i, -of_vectors).index_add_(0, part.j, of_vectors)
            torques[k] += torques_of_gradient(data.orientations, of_quaternions)
    return [(f, visible_torques(t, data)) for f, t in zip(forces, torques, strict=True)]


def distributions(pairs: Pairs, table: Tensor, n_molecules: int) -> list[Tensor]:
    """Distribution of the spins of each pair after so many rounds of messages ``(pair, spin, spin)``."""
    found, to_i, to_j = [], *torch.zeros(2, len(table), N_SPINS, dtype=table.dtype)
    for _ in range(ROUNDS + 1):
        fields = torch.zeros(n_molecules, N_SPINS, dtype=table.dtype)
        fields.index_add_(0, pairs.i, to_i).index_add_(0, pairs.j, to_j)
        on_i, on_j = fields[pairs.i] - to_i, fields[pairs.j] - to_j  # of all others
        joint = -table / KT + on_i[:, :, None] + on_j[:, None]
        found.append(joint.flatten(1).softmax(1).view_as(table))
        to_j = (-table / KT + on_i[:, :, None]).logsumexp(1).log_softmax(1)
        to_i = (-table / KT + on_j[:, None]).logsumexp(2).log_softmax(1)
    return found


def explained(found: list[Tensor], true: list[Tensor]) -> float:
    a, b = torch.cat(found), torch.cat(true)
    return float(1 - (a - b).square().sum() / (b - b.mean()).square().sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=36, help="of the test frames")
    args = parser.parse_args()
    forces: list[list[Tensor]] = [[] for _ in range(ROUNDS + 1)]
    torques: list[list[Tensor]] = [[] for _ in range(ROUNDS + 1)]
    data = list(frames("test"))[: args.frames]
    for frame in tqdm(data, unit="frame"):
        pairs = Pairs.of(frame)
        parts = [energies(part, part.vectors, frame.orientations) for part in pairs.chunks()]
        weights = distributions(pairs, torch.cat(parts), len(frame.pos))
        for k, (f, t) in enumerate(mean_forces(frame, pairs, weights)):
            forces[k].append(f)
            torques[k].append(t)
    print("rounds   R² of forces   of torques")
    for k in range(ROUNDS + 1):
        of_forces = explained(forces[k], [frame.forces for frame in data])
        of_torques = explained(torques[k], [frame.torques for frame in data])
        print(f"{k:6d}   {of_forces:12.3f}   {of_torques:10.3f}")


if __name__ == "__main__":
    main()
