"""Gaps between the surfaces of neighbours."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ...arguments import positive
from ...data.batches import frame_iterable
from ...geometry.pair_coordinates import PairGeometry, shape_matrices
from ...graph import edges_of, one_of_each_pair
from ...tensor_arguments import check_data


def pair_gaps(data: Any, cutoff: float) -> tuple[Tensor, Tensor]:
    r"""Gaps :math:`r - \sigma` of all pairs within a cutoff.

    Parameters
    ----------
    data : EllipsoidData or a Batch of them
    cutoff : float
        Largest distance of the centres, a length.

    Returns
    -------
    gaps : Tensor ``(pair,)``
        Distance of the centres less the contact distance of
        :func:`~anisoap_e3nn.geometry.pair_coordinates.pair_coordinates`. Overlapping particles have negative
        gaps.
    ends : Tensor ``(2, pair)``, int64
        The two particles of each pair.
    """
    check_data(data)
    edges = edges_of(data, cutoff)
    once = one_of_each_pair(edges.edge_index, edges.edge_vectors)
    ends = edges.edge_index[:, once].flip(0)  # -> [2, pair]
    shapes = shape_matrices(data.orientations, data.semiaxes, cutoff / 1000)  # -> [3, 3, particle]
    coordinates = PairGeometry(edges.edge_vectors[once].T, shapes[..., ends]).coordinates
    return coordinates.distances - coordinates.contacts, ends


def smallest_gap(frames: Iterable[Any], cutoff: float) -> float:
    """Smallest gap between surfaces in some frames: where the data of a pair potential end.

    Parameters
    ----------
    frames : iterable of EllipsoidData
    cutoff : float
        Cutoff of the potential, a length.

    Returns
    -------
    float
        A length; negative if particles overlap.

    Raises
    ------
    ValueError
        If no two particles are within the cutoff.

    Examples
    --------
    >>> from anisoap_e3nn import EllipsoidData
    >>> pair = EllipsoidData([[0.0, 0, 0], [0, 0, 2.5]], [[1.0, 0, 0, 0]] * 2, [[1.0, 1, 1]] * 2, [0, 0])
    >>> round(smallest_gap([pair], cutoff=4.0), 3)
    0.5
    """
    cutoff = positive("cutoff", cutoff, "length")
    found = [pair_gaps(data, cutoff)[0] for data in frame_iterable(frames)]
    gaps = torch.cat([x.detach() for x in found]) if found else torch.zeros(0)
    if len(gaps) == 0:
        raise ValueError(
            f"no two particles are closer than the cutoff {cutoff}; use a larger one, or check the unit of "
            "length"
        )
    return float(gaps.min())
