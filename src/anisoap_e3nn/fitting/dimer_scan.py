"""Scan of dimers for wells that no data support."""

import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..arguments import integer
from ..data.batches import frame_iterable
from ..data.ellipsoid_data import EllipsoidData
from ..geometry import matrices_to_quaternions
from ..graph import edges_of, one_of_each_pair
from ..potentials import cutoff_of
from ..precision import without_autocast


class DimerScan(NamedTuple):
    """Deepest wells of dimers, in the unit of energy of the model."""

    deepest: float  # of random dimers, relative to the two particles far apart
    deepest_in_data: float  # of the pairs of neighbours in the frames, taken out as dimers
    distance: float  # of the centres of the deepest random dimer
    orientations: list[list[float]]  # of its two particles, (w, x, y, z); the second lies along z

    @property
    def has_holes(self) -> bool:
        """Whether a random dimer is bound twice as strongly as any of the data."""
        return self.deepest < 2 * min(self.deepest_in_data, 0.0) - 1e-6


@without_autocast
def scan_dimers(
    model: Callable[[Any], Tensor],
    frames: Iterable[Any],
    *,
    n_orientations: int = 500,
    n_distances: int = 24,
    seed: int = 0,
) -> DimerScan:
    r"""Look for wells of a fitted model in random dimers, down to overlap, and warn of them.

    .. math:: D = E(1, 2) - E(1, 2 \text{ far apart})

    Dimers have random orientations, particles of random types and shapes from the frames, and distances from
    a third of the smallest in the frames to the cutoff. They are compared with the pairs of neighbours in the
    frames, taken out of them as dimers. A hole is a dimer bound twice as strongly as any of these; dynamics
    fall into it.

    Parameters
    ----------
    model : Module or function
        From data to energies of the particles ``(N,)``, with a cutoff.
    frames : iterable of EllipsoidData
        Frames that the model was fitted to; a few suffice.
    n_orientations, n_distances : int
        Numbers of random pairs of orientations, and of distances for each.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    DimerScan

    Warns
    -----
    UserWarning
        If there is a hole.

    Raises
    ------
    ValueError
        If the model has no cutoff, or no two particles of the frames are within it.

    Examples
    --------
    >>> from anisoap_e3nn.gay_berne import gay_berne_pairs, triaxial_gay_berne
    >>> scan = scan_dimers(triaxial_gay_berne(cutoff=4.0), gay_berne_pairs(sizes=(50, 0, 0)).train)
    >>> scan.has_holes
    False
    """
    cutoff = cutoff_of(model)
    if cutoff is None:
        raise ValueError(
            f"found a model without a cutoff, {model!r:.100}, expected one with a cutoff"
        )
    n_orientations = integer("n_orientations", n_orientations, at_least=1)
    n_distances = integer("n_distances", n_distances, at_least=2)
    pairs = _pairs_of(frames, cutoff)
    nearest = float(pairs.vectors.norm(dim=1).min())
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randint(len(pairs.vectors), (n_orientations,), generator=generator)
    quaternions = torch.randn(n_orientations, 2, 4, generator=generator).to(pairs.vectors)
    distances = torch.linspace(nearest / 3, cutoff, n_distances + 1)[:-1].to(pairs.vectors)
    scanned = _Dimers(
        torch.nn.functional.pad(distances.repeat(n_orientations)[:, None], (2, 0)),
        quaternions.repeat_interleave(n_distances, 0),
        pairs.semiaxes[chosen].repeat_interleave(n_distances, 0),
        pairs.types[chosen].repeat_interleave(n_distances, 0),
    )
    energies = _binding(model, scanned, cutoff)  # -> [dimer]
    lowest = int(energies.argmin())
    scan = DimerScan(
        float(energies[lowest]),
        float(_binding(model, pairs, cutoff).min()),
        float(scanned.vectors[lowest, 2]),
        scanned.orientations[lowest].tolist(),
    )
    if scan.has_holes:
        warnings.warn(
            f"found a dimer bound by {-scan.deepest:.3g} at distance {scan.distance:.3g}, expected at most "
            f"about {-min(scan.deepest_in_data, 0.0):.3g}, as in the data: dynamics can fall into this hole; "
            "use fewer functions or a larger ridge, and give PairPotential a smallest_gap and the stack a "
            "SurfaceRepulsion",
            stacklevel=3,
        )
    return scan


class _Dimers(NamedTuple):
    vectors: Tensor  # [dimer, 3], from the first particle to the second
    orientations: Tensor  # [dimer, 2, 4]
    semiaxes: Tensor  # [dimer, 2, 3]
    types: Tensor  # [dimer, 2]


def _pairs_of(frames: Iterable[Any], cutoff: float, at_most: int = 20_000) -> _Dimers:
    """Neighbours in the frames as dimers: the nearest ones, if there are many."""
    found = []
    for data in frame_iterable(frames):
        edges = edges_of(data, cutoff)
        once = one_of_each_pair(edges.edge_index, edges.edge_vectors)
        ends = edges.edge_index[:, once].T.flip(1)  # -> [pair, 2]
        quaternions = _quaternions(data.orientations)
        of_particles = (quaternions[ends], data.semiaxes[ends], data.types[ends])
        found.append((edges.edge_vectors[once], *of_particles))
    if not sum(len(vectors) for vectors, *_ in found):
        raise ValueError(f"found no two particles closer than the cutoff {cutoff} in the frames")
    pairs = _Dimers(*map(torch.cat, zip(*found, strict=True)))
    nearest = pairs.vectors.norm(dim=1).argsort()[:at_most]
    return _Dimers(*(values[nearest] for values in pairs))


def _quaternions(orientations: Tensor) -> Tensor:
    return matrices_to_quaternions(orientations) if orientations.dim() == 3 else orientations


def _binding(model: Callable[[Any], Tensor], dimers: _Dimers, cutoff: float) -> Tensor:
    """Energies ``(dimer,)`` of dimers, less those of their particles far apart."""
    together = _energies(model, dimers, cutoff)
    apart = dimers._replace(vectors=torch.zeros_like(dimers.vectors) + cutoff * 1.5)
    return together - _energies(model, apart, cutoff)


def _energies(model: Callable[[Any], Tensor], dimers: _Dimers, cutoff: float) -> Tensor:
    """Energies ``(dimer,)``: one open frame with all dimers, on a grid, out of each other's reach."""
    n = len(dimers.vectors)
    spacing = 6 * cutoff
    side = round(n ** (1 / 3)) + 1
    numbers = torch.arange(n)
    grid = torch.stack([numbers % side, numbers // side % side, numbers // side**2], dim=1)
    origins = spacing * grid.to(dimers.vectors)  # -> [dimer, 3]
    data = EllipsoidData(
        pos=torch.stack([origins, origins + dimers.vectors], dim=1).flatten(0, 1),
        orientations=dimers.orientations.flatten(0, 1),
        semiaxes=dimers.semiaxes.flatten(0, 1),
        types=dimers.types.flatten(),
    )
    with torch.no_grad():
        energies: Tensor = model(data.with_edges(cutoff))
    return energies.view(n, 2).sum(1)
