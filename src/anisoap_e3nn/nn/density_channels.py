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
    irreps_own, irreps_neighbors : Irreps
        Irreps of the particle's own density, and of the others; see :meth:`split`.

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
        self._widths: list[int] = []  # columns of the neighbours and of the own density, in turn
        self.irreps, self.irreps_own, self.irreps_neighbors = (o3.Irreps() for _ in range(3))
        for l, count in enumerate(n_functions):
            ir = o3.Irrep(l, (-1) ** l)
            has_own = own and l % 2 == 0
            n_neighbors = len(types) * count
            self.irreps_neighbors += o3.Irreps([(n_neighbors, ir)])
            self.irreps_own += o3.Irreps([(count, ir)] if has_own else [])
            self.irreps += o3.Irreps([(n_neighbors + has_own * count, ir)])
            self._widths += [n_neighbors * ir.dim, has_own * count * ir.dim]
            described = [f"type={type_}" for type_ in types] + ["own"] * has_own
            self.names += [f"l={l} {density} n={n}" for density in described for n in range(count)]
            labels = torch.tensor([*types, *[OWN_DENSITY] * has_own])
            self.properties[ir] = torch.cartesian_prod(labels, torch.arange(count))

    def split(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """Split coefficients ``(N, irreps.dim)`` into the own density's and the neighbours'.

        Returns
        -------
        own : Tensor ``(N, irreps_own.dim)``
        neighbors : Tensor ``(N, irreps_neighbors.dim)``
        """
        blocks = coefficients.split(self._widths, dim=1)
        return torch.cat(blocks[1::2], dim=1), torch.cat(blocks[::2], dim=1)
