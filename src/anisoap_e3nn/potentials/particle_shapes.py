"""Learnable semi-axes."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from ..data.field_checks import to_tensor
from ..hyperparameters import HyperparameterModule
from ..particle_types import TypeIndex
from ..tensor_arguments import check_data


class ParticleShapes(HyperparameterModule):
    r"""Learnable semi-axes :math:`a_{sk} = e^{\lambda_{sk}}` of each type of particle.

    The parameters are the logarithms :math:`\lambda`. Semi-axes therefore stay positive, and the steps of an
    optimiser are relative to them in any unit of length. Use it before an embedding: gradients of energies,
    and of losses on forces and torques, reach the shapes through the embedding.

    Parameters
    ----------
    types : sequence of int
        Particle types.
    semiaxes : array or Tensor ``(types, 3)`` or ``(3,)``
        Initial semi-axes, a length > 0; three numbers apply to all types. Spheres will do.

    Attributes
    ----------
    semiaxes : Tensor ``(types, 3)``
        Present semi-axes.

    Raises
    ------
    ValueError
        If types are repeated, or the semi-axes are not positive or do not have one of the shapes above.

    Examples
    --------
    >>> from anisoap_e3nn import EllipsoidData
    >>> shapes = ParticleShapes(types=[6, 1], semiaxes=[[2.0, 2.0, 0.5], [1.0, 1.0, 1.0]])
    >>> data = EllipsoidData(
    ...     pos=torch.zeros(1, 3), orientations=torch.ones(1, 4), semiaxes=torch.zeros(1, 3), types=[6]
    ... )
    >>> shapes(data).semiaxes
    tensor([[2.0000, 2.0000, 0.5000]], grad_fn=<IndexSelectBackward0>)
    """

    def __init__(self, types: Sequence[int], semiaxes: Tensor | npt.ArrayLike) -> None:
        super().__init__()
        self.type_index = TypeIndex(types, "this model of shapes")
        self.types = self.type_index.types
        start = to_tensor("semiaxes", semiaxes, torch.get_default_dtype(), torch.device("cpu"))
        start = start.detach().to(torch.get_default_dtype())
        if start.shape not in ((3,), (len(self.types), 3)):
            raise ValueError(
                f"semiaxes has shape {tuple(start.shape)}, expected (3,) or ({len(self.types)}, 3) for the "
                f"types {self.types}"
            )
        if not (start.isfinite() & (start > 0)).all():
            raise ValueError(
                f"semiaxes is {start.tolist()}, expected finite lengths > 0, since their logarithms are "
                "learned; keep semi-axes of zero in the data"
            )
        self.log_semiaxes = torch.nn.Parameter(start.log().expand(len(self.types), 3).clone())
        self.hyperparameters = {"types": self.types, "semiaxes": start.tolist()}

    @property
    def shared_hyperparameters(self) -> dict[str, Any]:
        """The types. The initial semi-axes need not be the same."""
        return {"types": self.types}

    @property
    def semiaxes(self) -> Tensor:
        return self.log_semiaxes.exp()  # -> [type, 3]

    def forward(self, data: Any) -> Any:
        """Replace the semi-axes of data.

        Parameters
        ----------
        data : EllipsoidData or a Batch of them
            Data, not modified.

        Returns
        -------
        EllipsoidData or a Batch of them
            Copy with these semi-axes. All other fields are shared.

        Raises
        ------
        ValueError
            If a type is unknown.
        """
        check_data(data)
        type_index = self.type_index(data.types)  # -> [particle]
        data = copy.copy(data)
        data.semiaxes = self.semiaxes.index_select(0, type_index)  # -> [particle, 3]
        return data

    def extra_repr(self) -> str:
        axes = [[f"{a:.4g}" for a in row] for row in self.semiaxes.tolist()]
        return ", ".join(
            f"{type_}: {' × '.join(row)}" for type_, row in zip(self.types, axes, strict=True)
        )
