"""Assignment of weights to pairs of types and functions."""

from collections.abc import Sequence

import torch
from torch import Tensor


def pair_weight_index(n_types: int, n_radial: int, exchanged: Sequence[int]) -> tuple[Tensor, int]:
    """Positions of the weights of all functions, for pair energies invariant under exchange of the particles.

    Two functions that become each other under exchange share a weight if both particles are of one type. For
    different types, each has the weight that the other has for the types in reverse order.

    Parameters
    ----------
    n_types, n_radial : int
    exchanged : sequence of int
        For each function of the shapes, the one that it becomes under exchange.

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
