"""Backend ``torch``: the definition of the coordinates of pairs in rows, on any device."""

import torch
from torch import Tensor

from ...geometry.pair_coordinates import pair_coordinates as coordinates_of_columns

_ENTRIES = (0, 1, 2, 1, 3, 4, 2, 4, 5)  # of a symmetric matrix, xx, xy, xz, yy, yz and zz


def pair_coordinates(vectors: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """See :func:`anisoap_e3nn.ops.pair_coordinates`."""
    matrices = (
        torch.stack([shapes[:, k] for k in _ENTRIES]).unflatten(0, (3, 3))
        for shapes in (first, second)
    )  # -> [3, 3, pair]
    distances, contacts, invariants = coordinates_of_columns(vectors.T, *matrices)
    return torch.cat([distances[None], contacts[None], invariants]).T  # -> [pair, 16]
