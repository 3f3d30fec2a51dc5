"""Isolated pairs of Gay-Berne ellipsoids, with energies, forces and torques."""

from typing import NamedTuple

import torch

from ..data.ellipsoid_data import EllipsoidData
from .formula import contact_distances
from .frames import TRIAXIAL_SEMIAXES, label_frames, triaxial_gay_berne


class PairSplits(NamedTuple):
    """Frames to train with, to choose a model with, and to judge it by."""

    train: list[EllipsoidData]
    validation: list[EllipsoidData]
    test: list[EllipsoidData]


def gay_berne_pairs(
    sizes: tuple[int, int, int] = (1570, 316, 388),
    *,
    reduced_distances: tuple[float, float] = (0.97, 2.0),
    seed: int = 0,
    dtype: torch.dtype | None = None,
) -> PairSplits:
    r"""Pairs of triaxial ellipsoids at random, labelled by :func:`triaxial_gay_berne`, without a cutoff.

    Orientations and the direction from one to the other are uniform, and so is the reduced distance
    :math:`\zeta = (r - \sigma_{12}) / \sigma + 1`. Whatever the orientations, the energy is zero at
    :math:`\zeta = 1` and lowest at :math:`2^{1/6} \approx 1.12`, so that its inner wall rises equally high
    above every well.

    Parameters
    ----------
    sizes : three ints
        Pairs for training, validation and test.
    reduced_distances : two floats
        The range of :math:`\zeta`. At its default ends energies are about 1 and -0.06 times the well depth.
    seed : int
        The same seed makes the same pairs.
    dtype : torch.dtype, optional
        torch's default dtype if not given; everything is computed in float64 first.

    Returns
    -------
    PairSplits
        `train`, `validation` and `test`: lists of :class:`EllipsoidData` of type 0 with `energy` ``(1,)``,
        `forces` ``(2, 3)`` and `torques` ``(2, 3)`` in the space frame, in reduced units.

    Raises
    ------
    ValueError
        For a range of distances that is none.

    Examples
    --------
    >>> train, validation, test = gay_berne_pairs(sizes=(100, 20, 30))
    >>> train[0].forces.shape
    torch.Size([2, 3])
    """
    nearest, farthest = reduced_distances
    if not 0 < nearest <= farthest < float("inf"):
        raise ValueError(
            f"reduced_distances are {reduced_distances}, expected two numbers > 0 in ascending order"
        )
    n = sum(sizes)
    random = torch.Generator().manual_seed(seed)
    directions = torch.randn(n, 3, dtype=torch.float64, generator=random)
    directions /= directions.norm(dim=1, keepdim=True)  # -> [pair, 3]
    orientations = torch.randn(n, 2, 4, dtype=torch.float64, generator=random)
    orientations /= orientations.norm(dim=2, keepdim=True)  # -> [pair, 2, 4]
    zeta = torch.rand(n, dtype=torch.float64, generator=random)
    zeta = nearest + (farthest - nearest) * zeta  # -> [pair]

    semiaxes = torch.tensor(TRIAXIAL_SEMIAXES, dtype=torch.float64).expand(2, 3)
    sigma, longest = 2 * min(TRIAXIAL_SEMIAXES), 2 * max(TRIAXIAL_SEMIAXES)
    potential = triaxial_gay_berne(cutoff=longest + farthest * sigma)  # beyond every pair
    types = torch.zeros(2 * n, dtype=torch.int64)
    bodies = potential.bodies(types, orientations.flatten(0, 1), semiaxes.repeat(n, 1))
    extents = bodies.extents.unflatten(0, (n, 2)).sum(1)  # -> [pair, 3, 3]
    contact, _ = contact_distances(directions, extents)
    vectors = directions * (contact + (zeta - 1) * sigma)[:, None]  # -> [pair, 3]
    frames = [
        EllipsoidData(
            pos=torch.stack([torch.zeros_like(vector), vector]),
            orientations=pair,
            semiaxes=semiaxes.clone(),
            types=torch.zeros(2, dtype=torch.int64),
        )
        for vector, pair in zip(vectors, orientations, strict=True)
    ]
    frames = label_frames(potential, frames, dtype or torch.get_default_dtype())
    first, second = sizes[0], sizes[0] + sizes[1]
    return PairSplits(frames[:first], frames[first:second], frames[second:])
