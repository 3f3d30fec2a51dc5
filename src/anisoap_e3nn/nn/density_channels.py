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
    own_columns : list of int
        Columns of the particle's own density.

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
        entries: list[tuple[int, tuple[int, int]]] = []
        self.names: list[str] = []
        self.properties: dict[Any, Tensor] = {}
        self.own_columns: list[int] = []
        n_columns = 0
        for l, count in enumerate(n_functions):
            densities = [*types, OWN_DENSITY] if own and l % 2 == 0 else list(types)
            entries.append((len(densities) * count, (l, (-1) ** l)))
            n_columns += len(densities) * count * (2 * l + 1)
            if len(densities) > len(types):
                self.own_columns += range(n_columns - count * (2 * l + 1), n_columns)
            described = ["own" if own and d == OWN_DENSITY else f"type={d}" for d in densities]
            self.names += [f"l={l} {density} n={n}" for density in described for n in range(count)]
            self.properties[o3.Irrep(l, (-1) ** l)] = torch.cartesian_prod(
                torch.tensor(densities), torch.arange(count)
            )
        self.irreps = o3.Irreps(entries)
