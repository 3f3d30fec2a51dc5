"""Equivariant linear maps, shared or with weights for each particle type."""

import torch
from e3nn import o3
from torch import Tensor

from ..arguments import integer
from ..irreps_arguments import to_irreps
from ..layer import Layer


def equivariant_linear(irreps_in: o3.Irreps, irreps_out: o3.Irreps) -> o3.Linear:
    """Build e3nn's linear map.

    Raises
    ------
    ValueError
        If `irreps_out` has an irrep that `irreps_in` lacks.
    """
    missing = sorted({str(ir) for _, ir in irreps_out if ir not in irreps_in})
    if missing:
        raise ValueError(
            f"irreps_out has {', '.join(missing)}, which no equivariant linear map makes from "
            f"{irreps_in}; leave them out, or raise max_angular if the input is an embedding's"
        )
    return o3.Linear(irreps_in, irreps_out)


class TypeLinear(Layer):
    r"""Equivariant linear map :math:`y_i = W_{t_i} x_i`, with weights for each particle type t.

    Parameters
    ----------
    irreps_in, irreps_out : Irreps or str
        Irreps of x and y.
    n_types : int
        Number of types. With 1 all particles share the weights, whatever their type.

    Raises
    ------
    ValueError
        If `irreps_out` has an irrep that `irreps_in` lacks.
    """

    def __init__(
        self, irreps_in: o3.Irreps | str, irreps_out: o3.Irreps | str, n_types: int = 1
    ) -> None:
        super().__init__()
        self.irreps_in = to_irreps("irreps_in", irreps_in)
        self.irreps_out = to_irreps("irreps_out", irreps_out)
        n_types = integer("n_types", n_types, at_least=1)
        self.linears = torch.nn.ModuleList(
            equivariant_linear(self.irreps_in, self.irreps_out) for _ in range(n_types)
        )

    def forward(self, x: Tensor, type_index: Tensor) -> Tensor:
        """Map every particle.

        Parameters
        ----------
        x : Tensor ``(N, irreps_in.dim)``
            Features of the particles.
        type_index : Tensor ``(N,)``, int64
            Types of the particles, from 0 to n_types - 1.

        Returns
        -------
        Tensor ``(N, irreps_out.dim)``
        """
        mapped = torch.stack([linear(x) for linear in self.linears])  # -> [type, N, irreps_out.dim]
        if len(mapped) == 1:
            return mapped[0]
        chosen = type_index[None, :, None].expand(1, *mapped.shape[1:])
        return mapped.gather(0, chosen).squeeze(0)  # -> [N, irreps_out.dim]

    def extra_repr(self) -> str:
        return f"{self.irreps_in} → {self.irreps_out} | {len(self.linears)} types"
