"""Channels of density coefficients: their irreps, names and labels."""

from collections.abc import Sequence
from typing import Any

import torch
from e3nn import o3
from torch import Tensor

OWN_DENSITY = -1
"""Label ``neighbor_type`` of the particle's own density, if it has channels of its own."""


class DensityChannels:
    """Channels of an embedding's coefficients, ordered by l, density and n.

    Parameters
    ----------
    types : sequence of int
        Types of the neighbours. There is one density of each.
    n_functions : sequence of int
        Number of radial functions for each l.
    own : bool
        Whether the particle's own density follows those of the types. It has channels for even l only.

    Attributes
    ----------
    irreps : Irreps
        One entry for each l.
    names : list of str
        Their l, density and n.
    properties : dict from Irrep to Tensor ``(channel, 2)``
        Values of the properties ``neighbor_type`` and ``n`` of metatensor; `OWN_DENSITY` stands for the
        particle's own density.
    own_columns, neighbor_columns : list of int
        Columns of the particle's own density, and of the others.
    irreps_own, irreps_neighbors : Irreps
        Irreps of these columns.

    Raises
    ------
    ValueError
        If `OWN_DENSITY` is one of the types and `own` is true.

    Examples
    --------
    >>> channels = DensityChannels([6], n_functions=[1, 1], own=True)
    >>> channels.irreps, channels.names
    (2x0e+1x1o, ['l=0 type=6 n=0', 'l=0 own n=0', 'l=1 type=6 n=0'])
    """

    def __init__(self, types: Sequence[int], n_functions: Sequence[int], own: bool) -> None:
        if own and OWN_DENSITY in types:
            raise ValueError(
                f"types is {list(types)}, expected others than {OWN_DENSITY} with include_self='separate', "
                "where it labels the particle's own density; renumber the types"
            )
        self.names: list[str] = []
        self.properties: dict[Any, Tensor] = {}
        self.own_columns: list[int] = []
        self.neighbor_columns: list[int] = []
        self.irreps, self.irreps_own, self.irreps_neighbors = (o3.Irreps() for _ in range(3))
        for l, count in enumerate(n_functions):
            ir, start = o3.Irrep(l, (-1) ** l), self.irreps.dim
            has_own = own and l % 2 == 0
            n_neighbors = len(types) * count
            self.irreps_neighbors += o3.Irreps([(n_neighbors, ir)])
            self.irreps_own += o3.Irreps([(count, ir)] if has_own else [])
            self.irreps += o3.Irreps([(n_neighbors + has_own * count, ir)])
            middle = start + n_neighbors * ir.dim
            self.neighbor_columns += range(start, middle)
            self.own_columns += range(middle, self.irreps.dim)
            described = [f"type={type_}" for type_ in types] + ["own"] * has_own
            self.names += [f"l={l} {density} n={n}" for density in described for n in range(count)]
            labels = torch.tensor([*types, *[OWN_DENSITY] * has_own])
            self.properties[ir] = torch.cartesian_prod(labels, torch.arange(count))
