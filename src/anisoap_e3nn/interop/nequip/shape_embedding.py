"""Node features of nequip's networks: the particle's own shape tensor alone."""

from collections.abc import Sequence
from typing import Any

import torch
from e3nn import o3
from nequip.data import AtomicDataDict
from torch import Tensor

from ...geometry import covariances
from ...networks import Standardization
from ...nn import TypeLinear
from .inputs import INPUT_IRREPS, ellipsoid_inputs
from .measured import MeasuredModule


class ShapeNodeEmbedding(MeasuredModule):
    r"""Set the node features to a linear map of the shape tensor :math:`\Sigma_i`, as irreps 0e + 2e.

    This needs no density: it is the baseline that :class:`AniSOAPNodeEmbedding` is compared with.

    Parameters
    ----------
    type_names, irreps_features, irreps_in
        As for :class:`AniSOAPNodeEmbedding`.
    """

    change_of_basis: Tensor

    def __init__(
        self,
        type_names: Sequence[str],
        irreps_features: o3.Irreps | str,
        irreps_in: dict[str, Any],
    ) -> None:
        super().__init__()
        shapes = o3.ReducedTensorProducts("ij=ji", i="1o")
        self.register_buffer("change_of_basis", shapes.change_of_basis.clone(), persistent=False)
        self.scales = Standardization(shapes.irreps_out)
        irreps = self.scales.irreps + o3.Irreps("1x0e")
        irreps_out = o3.Irreps([each for each in o3.Irreps(irreps_features) if each.ir in irreps])
        self.linear = TypeLinear(irreps, irreps_out, len(type_names))
        self._init_irreps(
            irreps_in={**irreps_in, **INPUT_IRREPS},
            irreps_out={AtomicDataDict.NODE_FEATURES_KEY: irreps_out},
        )

    def forward(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """Set ``node_features``."""
        x = self.scales(self.raw_features(data))  # -> [particle, 6]
        x = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
        types = data[AtomicDataDict.ATOM_TYPE_KEY].view(-1)
        data[AtomicDataDict.NODE_FEATURES_KEY] = self.linear(x, types)
        return data

    def raw_features(self, data: dict[str, Tensor]) -> Tensor:
        """Shape tensors as irreps ``(N, 6)``."""
        inputs = ellipsoid_inputs(data, self.dtype)
        shapes = covariances(inputs.orientations, inputs.semiaxes)  # -> [particle, 3, 3]
        return torch.einsum("nij,aij->na", shapes, self.change_of_basis)

    def measure_features(self, features: Tensor) -> None:
        """Set the scales from shape tensors ``(N, 6)``."""
        self.scales.fit(features)
