"""Periodic fluids of Gay-Berne ellipsoids, with energies, forces and torques."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from tqdm import tqdm

from ..arguments import integer, not_negatives, positive
from ..data.ellipsoid_data import EllipsoidData
from ..tensor_arguments import check_dtype
from .frames import TRIAXIAL_SEMIAXES, label_frames, triaxial_gay_berne
from .monte_carlo import MonteCarlo
from .potential import GayBerne

_LONGEST_COMPRESSION = 2000  # sweeps; a density not reached by then counts as out of reach


def gay_berne_fluids(
    n_frames: int = 1,
    n_particles: int = 64,
    *,
    density: float = 0.27,
    temperature: float = 1.2,
    potential: GayBerne | None = None,
    semiaxes: Sequence[float] = TRIAXIAL_SEMIAXES,
    n_sweeps: int = 200,
    seed: int = 0,
    dtype: torch.dtype | None = None,
) -> list[EllipsoidData]:
    r"""Independent frames of a fluid in periodic cubes, equilibrated by Monte Carlo at constant volume.

    Particles start on a cubic lattice with random orientations, and are compressed to the density while they
    move. Then `n_sweeps` sweeps equilibrate the fluid, each of one trial move of every particle. Step sizes
    are adapted in the first half of them. All frames are moved in lockstep, so that many frames take little
    longer than one.

    By default the particles are the triaxial ellipsoids of :func:`gay_berne_pairs` with
    :func:`triaxial_gay_berne`, whose energy is switched off between 2.5 and the cutoff of 3.0. They form a
    dense isotropic liquid of packing fraction 0.42, pressure 1.8 and energy -2.3 a particle. It is in
    equilibrium within 100 sweeps.

    Parameters
    ----------
    n_frames : int
        Number of frames. Each is a simulation of its own.
    n_particles : int
        Number of particles in a frame, such as 64 to 512. The cube must be at least twice as wide as the
        cutoff.
    density : float
        Particles per volume.
    temperature : float
        kT, an energy.
    potential : GayBerne, optional
        All particles have the first of its types.
    semiaxes : three floats
        Semi-axes of all particles, lengths.
    n_sweeps : int
        Number of sweeps after the density is reached.
    seed : int
        Seed of the random numbers. Equal arguments give equal frames.
    dtype : torch.dtype, optional
        Of the frames; by default torch's default dtype. All computations are in float64.

    Returns
    -------
    list of EllipsoidData
        With `energy` ``(1,)``, `forces` ``(N, 3)`` and `torques` ``(N, 3)``, in reduced units and along the
        axes of space.

    Raises
    ------
    ValueError
        If a number is out of range, or the cube is too small for the cutoff.
    RuntimeError
        If the density cannot be reached.

    Notes
    -----
    Rods of GB(3, 5, 2, 1) become nematic as they are compressed from a density of 0.30 to 0.36 at the
    temperature 1.25, with a cutoff of 4.0 for 256 of them::

        rods = GayBerne([0], cutoff=4.0, well_depths=[1, 1, 0.2], mu=2)
        frames = gay_berne_fluids(
            n_particles=256, density=0.30, temperature=1.25, potential=rods, semiaxes=[0.5, 0.5, 1.5]
        )
    """
    n_frames = integer("n_frames", n_frames, at_least=1)
    n_particles = integer("n_particles", n_particles, at_least=1)
    n_sweeps = integer("n_sweeps", n_sweeps, at_least=0)
    seed = integer("seed", seed, at_least=0)
    density, temperature = positive("density", density), positive("temperature", temperature)
    semiaxes = not_negatives("semiaxes", semiaxes)
    if len(semiaxes) != 3 or not all(semiaxes):
        raise ValueError(f"semiaxes are {semiaxes}, expected three finite lengths > 0")
    potential = triaxial_gay_berne(3.0, 0.5) if potential is None else potential
    if not isinstance(potential, GayBerne):
        raise TypeError(f"potential is {potential!r:.100}, expected a GayBerne")
    check_dtype("dtype", dtype)
    side = (n_particles / density) ** (1 / 3)
    if side < 2 * potential.cutoff:
        enough = math.ceil(density * (2 * potential.cutoff) ** 3)
        raise ValueError(
            f"{n_particles} particles of density {density} fill a cube of side {side:.3g}, expected at "
            f"least twice the cutoff {potential.cutoff}: take {enough} particles or more"
        )
    if side > 1000 * potential.cutoff:
        raise ValueError(
            f"density is {density}, expected a cube of at most 1000 times the cutoff, not of side {side:.3g}"
        )
    generator = torch.Generator().manual_seed(seed)
    sites = _random_sites(n_frames, n_particles, generator)  # -> [frame, particle, 3]
    orientations = torch.randn(n_frames, n_particles, 4, dtype=torch.float64, generator=generator)
    axes = torch.tensor(semiaxes, dtype=torch.float64)
    fluids = MonteCarlo(
        potential,
        sites,
        orientations / orientations.norm(dim=2, keepdim=True),
        axes,
        side=_sites_per_side(n_particles),
        temperature=temperature,
        generator=generator,
    )
    with torch.no_grad():
        apart = 2 * max(semiaxes)  # lattice spacing at which no two particles touch
        fluids.scale(max(apart, side / fluids.side))
        _equilibrate(fluids, side, n_sweeps)
    frames = [
        EllipsoidData(
            pos=pos,
            orientations=orientations,
            semiaxes=axes.repeat(n_particles, 1),
            types=torch.full((n_particles,), potential.types[0]),
            cell=side * torch.eye(3, dtype=torch.float64),
            pbc=True,
        )
        for pos, orientations in zip(
            fluids.positions.remainder(side).split(n_particles),
            fluids.orientations.split(n_particles),
            strict=True,
        )
    ]
    return label_frames(potential, frames, dtype or torch.get_default_dtype())


def _equilibrate(fluids: MonteCarlo, side: float, n_sweeps: int) -> None:
    with tqdm(total=n_sweeps, unit="sweep", leave=False, disable=None, delay=1.0) as progress:
        shrinkage, n_compression = 0.02, 0
        while fluids.side > side:
            if n_compression == _LONGEST_COMPRESSION:
                raise RuntimeError(
                    f"the fluid could be compressed to {fluids.side / side:.3g} times the side of its "
                    "cube, but no further: choose a lower density or a higher temperature"
                )
            progress.set_description(f"{fluids.side / side:.3f} times too wide")
            fluids.sweep(adapt=True)
            fits = fluids.compress(max(1 - shrinkage, side / fluids.side))
            shrinkage = min(1.5 * shrinkage, 0.05) if fits else shrinkage / 2
            n_compression += 1
        progress.set_description("equilibrating")
        for sweep in range(n_sweeps):
            fluids.sweep(adapt=sweep < n_sweeps // 2)
            progress.update()


def _sites_per_side(n_particles: int) -> int:
    return math.ceil(round(n_particles ** (1 / 3), 9))  # 64 ** (1 / 3) is not quite 4


def _random_sites(n_frames: int, n_particles: int, generator: torch.Generator) -> Tensor:
    """Sites of a cubic lattice of spacing 1 -> [frame, particle, 3]."""
    n = _sites_per_side(n_particles)
    sites = torch.cartesian_prod(*[torch.arange(n, dtype=torch.float64)] * 3).view(-1, 3)
    chosen = [torch.randperm(n**3, generator=generator)[:n_particles] for _ in range(n_frames)]
    return sites[torch.stack(chosen)]
