"""Which weight belongs to which function of which pair of types."""

from collections.abc import Sequence

import torch
from torch import Tensor


def pair_weight_index(n_types: int, n_radial: int, exchanged: Sequence[int]) -> tuple[Tensor, int]:
    """Positions of weights that make pair energies the same for either order of the particles.

    Functions that become each other when the particles are exchanged share a weight if both are of one
    type, and have each the weight of the other for the types in the other order.

    Parameters
    ----------
    n_types, n_radial : int
    exchanged : sequence of int
        Which function of the shapes each becomes.

    Returns
    -------
    index : Tensor ``(type, type, radial, product)``, int64
    n_weights : int
    """
    n_products = len(exchanged)
    index = torch.empty(n_types, n_types, n_radial, n_products, dtype=torch.int64)
    n_weights = 0
    for s in range(n_types):
        for t in range(s, n_types):
            lowest = [min(p, q) if s == t else p for p, q in enumerate(exchanged)]
            distinct = sorted(set(lowest))
            of_products = torch.tensor([distinct.index(p) for p in lowest])
            of_radial = torch.arange(n_radial)[:, None] * len(distinct)
            block = n_weights + of_radial + of_products  # -> [radial, product]
            index[s, t] = block
            index[t, s] = block[:, list(exchanged)]
            n_weights += n_radial * len(distinct)
    return index, n_weights
