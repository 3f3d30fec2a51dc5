"""Isolated pairs of Gay-Berne ellipsoids, with energies, forces and torques."""

from typing import NamedTuple

import torch

from ..arguments import integer, integers, not_negatives
from ..data.ellipsoid_data import EllipsoidData
from ..geometry.contact import contact_of_pairs
from ..geometry.vector_algebra import components_first
from ..tensor_arguments import check_dtype
from .frames import TRIAXIAL_SEMIAXES, label_frames, triaxial_gay_berne


class PairSplits(NamedTuple):
    """Training, validation and test frames."""

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
    r"""Random pairs of triaxial ellipsoids, labelled by :func:`triaxial_gay_berne` without a cutoff.

    Orientations, directions from one particle to the other, and reduced distances :math:`\zeta = (r -
    \sigma_{12}) / \sigma + 1` are uniform. For all orientations the energy is zero at :math:`\zeta = 1` and
    lowest at :math:`2^{1/6} \approx 1.12`. The smallest :math:`\zeta` thus sets how high the repulsive wall
    is sampled, in units of the well depth.

    Parameters
    ----------
    sizes : three ints
        Numbers of pairs for training, validation and test.
    reduced_distances : two floats
        The range of :math:`\zeta`. At the default limits energies are about 1 and -0.06 times the well depth.
    seed, dtype
        As for :func:`gay_berne_fluids`.

    Returns
    -------
    PairSplits
        Named tuple of `train`, `validation` and `test`: lists of :class:`EllipsoidData` of type 0 with
        `energy` ``(1,)``, `forces` ``(2, 3)`` and `torques` ``(2, 3)``, in reduced units and along the axes
        of space.

    Raises
    ------
    ValueError
        If `reduced_distances` are not two numbers > 0 in ascending order.

    Examples
    --------
    >>> train, validation, test = gay_berne_pairs(sizes=(100, 20, 30))
    >>> train[0].forces.shape
    torch.Size([2, 3])
    """
    sizes_of_parts = integers("sizes", sizes, at_least=0)
    limits = not_negatives("reduced_distances", reduced_distances)
    if len(sizes_of_parts) != 3 or len(limits) != 2:
        raise ValueError(
            f"found {sizes=} and {reduced_distances=}, expected three integers and two numbers"
        )
    seed = integer("seed", seed, at_least=0)
    check_dtype("dtype", dtype)
    nearest, farthest = limits
    if not 0 < nearest <= farthest < float("inf"):
        raise ValueError(
            f"reduced_distances are {reduced_distances}, expected two numbers > 0 in ascending order"
        )
    n = sum(sizes_of_parts)
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
    shapes = bodies.shapes[..., 0].unflatten(0, (n, 2)).sum(1)  # -> [pair, 3, 3]
    contact = contact_of_pairs(components_first(directions), components_first(shapes))
    vectors = directions * (contact.distances + (zeta - 1) * sigma)[:, None]  # -> [pair, 3]
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
    first, second = sizes_of_parts[0], sum(sizes_of_parts[:2])
    return PairSplits(frames[:first], frames[first:second], frames[second:])
