"""Monte Carlo of Gay-Berne ellipsoids in periodic cubes."""

import torch
from torch import Tensor

from .formula import Bodies, build_bodies
from .potential import GayBerne

_ACCEPTANCE = 0.4  # fraction of accepted moves that step sizes are adapted to


class MonteCarlo:
    """Independent systems of equal particles at one density and temperature, moved in lockstep.

    In every system, many particles are moved at once. The cube is divided into cells at least as wide as the
    cutoff, with a new random origin in every sweep. Every second cell along each axis belongs to the same of
    eight sets. Particles in different cells of one set do not interact, so that one particle in each of them
    can be moved at once. Moves out of a cell are refused, so that each move is as probable as its reverse.

    Parameters
    ----------
    potential : GayBerne
        All particles have the first of its types.
    positions : Tensor ``(system, particle, 3)``
        A length.
    orientations : Tensor ``(system, particle, 4)``
        Unit quaternions (w, x, y, z).
    semiaxes : Tensor ``(3,)``
        A length.
    side : float
        Side of the cubes, at least twice the cutoff.
    temperature : float
        An energy, kT.
    generator : torch.Generator
        Source of the random numbers.
    """

    def __init__(
        self,
        potential: GayBerne,
        positions: Tensor,
        orientations: Tensor,
        semiaxes: Tensor,
        side: float,
        temperature: float,
        generator: torch.Generator,
    ) -> None:
        self.potential, self.semiaxes = potential, semiaxes
        self.n_systems, self.n_particles = positions.shape[:2]
        self.positions = positions.flatten(0, 1)  # -> [particle of all systems, 3]
        self.orientations = orientations.flatten(0, 1)  # -> [particle of all systems, 4]
        self.side, self.temperature, self.generator = side, temperature, generator
        self.step = 0.1  # at most, in smallest diameters; also about the angle of a turn
        self._bodies = self._build_bodies(self.orientations)

    def sweep(self, adapt: bool = False) -> float:
        """Try to move and turn every particle once, and return the fraction of accepted moves.

        With `adapt`, the step size is changed towards an acceptance of 40 %. Do not average over such sweeps.
        """
        n_cells = 2 * int(self.side / (2 * self.potential.cutoff))  # along each axis
        width, origin = self.side / n_cells, self.side * self._uniform(3)
        cells = self._cells(self.positions, origin, width)  # -> [particle, 3]
        radix = torch.tensor([n_cells**2, n_cells, 1])
        systems = torch.arange(len(cells)) // self.n_particles
        cell_index = systems * n_cells**3 + (cells * radix).sum(1)  # -> [particle]
        sets = ((cells % 2) * torch.tensor([4, 2, 1])).sum(1)  # -> [particle]
        n_accepted = 0
        for set_ in torch.randperm(8, generator=self.generator).tolist():
            members = (sets == set_).nonzero().squeeze(1)
            for moved in _one_of_each_cell(cell_index[members], self._uniform(len(members))):
                n_accepted += self._move(members[moved], cells, origin, width)
        acceptance = n_accepted / len(cells)
        if adapt:
            self.step = min(self.step * (1.05 if acceptance > _ACCEPTANCE else 0.95), 0.5)
        return acceptance

    def compress(self, factor: float) -> bool:
        """Scale cubes and positions, unless the energy of a particle then exceeds 10 kT; returns success."""
        before = self.positions, self.side
        self.scale(factor)
        fits = float(self.particle_energies().max()) < 10 * self.temperature
        if not fits:
            self.positions, self.side = before
        return fits

    def scale(self, factor: float) -> None:
        """Scale cubes and positions by a factor."""
        self.positions, self.side = factor * self.positions, factor * self.side

    def particle_energies(self) -> Tensor:
        """Energies of the particles with all their neighbours ``(system, particle)``, pairs counted twice."""
        at_once = max(1, 10**6 // self.n_particles**2) * self.n_particles  # whole systems
        energies = [
            self._energies(particles, self.positions[particles], self._bodies.select(particles))
            for particles in torch.arange(len(self.positions)).split(at_once)
        ]
        return torch.cat(energies).view(self.n_systems, self.n_particles)

    def _move(self, particles: Tensor, cells: Tensor, origin: Tensor, width: float) -> int:
        n = len(particles)
        before = self.positions[particles]  # -> [moved, 3]
        length = 2 * self.step * float(self.semiaxes.min())
        after = before + length * (2 * self._uniform(n, 3) - 1)
        turn = torch.randn(n, 4, dtype=torch.float64, generator=self.generator)
        orientations = self.orientations[particles] + 0.5 * self.step * turn
        orientations /= orientations.norm(dim=1, keepdim=True)  # -> [moved, 4]
        bodies = self._build_bodies(orientations)

        both = Bodies(
            *(torch.cat(x) for x in zip(self._bodies.select(particles), bodies, strict=True))
        )
        energies = self._energies(particles.repeat(2), torch.cat([before, after]), both)
        change = energies[n:] - energies[:n]  # -> [moved]
        stays = (self._cells(after, origin, width) == cells[particles]).all(1)
        accepted = stays & (self._uniform(n) < torch.exp(-change / self.temperature))

        which = particles[accepted]
        self.positions[which], self.orientations[which] = after[accepted], orientations[accepted]
        for everyone, one in zip(self._bodies, bodies, strict=True):
            everyone[which] = one[accepted]
        return len(which)

    def _energies(self, particles: Tensor, positions: Tensor, bodies: Bodies) -> Tensor:
        """Energies of particles in their systems, if they were at these positions ``(particle,)``."""
        n = self.n_particles
        systems, own = particles // n, particles % n
        others = self.positions.view(self.n_systems, n, 3)[systems]  # -> [particle, other, 3]
        vectors = others - positions[:, None]
        vectors -= self.side * torch.round(vectors / self.side)  # to the nearest image
        near = vectors.square().sum(2) < self.potential.cutoff**2  # -> [particle, other]
        near[torch.arange(len(particles)), own] = False
        first, second = near.nonzero(as_tuple=True)  # -> [pair]
        energies = self.potential.pair_energies(
            vectors[first, second],
            bodies.select(first),
            self._bodies.select(systems[first] * n + second),
        )
        return energies.new_zeros(len(particles)).index_add(0, first, energies)

    def _build_bodies(self, orientations: Tensor) -> Bodies:
        n = len(orientations)
        depths = self.potential.well_depths[:1].expand(n, 3)
        types = torch.zeros(n, dtype=torch.int64)
        return build_bodies(
            orientations, self.semiaxes.expand(n, 3), depths, self.potential.mu, types
        )

    def _cells(self, positions: Tensor, origin: Tensor, width: float) -> Tensor:
        n_cells = round(self.side / width)
        inside = torch.remainder(positions - origin, self.side) / width
        return inside.long().clamp(max=n_cells - 1)  # -> [particle, 3]

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(*shape, dtype=torch.float64, generator=self.generator)


def _one_of_each_cell(cells: Tensor, keys: Tensor) -> list[Tensor]:
    """The first particle of every cell in the order of their keys, the second of every cell, and so on."""
    order = torch.argsort(cells + keys)  # keys < 1
    _, counts = torch.unique_consecutive(cells[order], return_counts=True)
    starts = counts.cumsum(0) - counts
    ranks = torch.arange(len(order)) - starts.repeat_interleave(counts)  # -> [particle]
    return [order[ranks == rank] for rank in range(int(counts.max()) if len(counts) else 0)]
