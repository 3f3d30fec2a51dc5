"""Edge features of nequip's networks: how both ellipsoids of an edge lie."""

from typing import Any

import torch
from e3nn import o3
from nequip.data import AtomicDataDict
from torch import Tensor

from ..ellipsoid_features import EllipsoidEdgeFeatures
from .inputs import INPUT_IRREPS, ellipsoid_inputs
from .measured import MeasuredModule


class EllipsoidEdgeEmbedding(MeasuredModule):
    """Append to nequip's radial features the invariants of both ellipsoids of each edge, times the cutoff.

    Parameters
    ----------
    r_max : float
        Cutoff, a length.
    irreps_in : dict
        Irreps of the fields so far, among them the radial features and nequip's ``edge_cutoff``.
    """

    def __init__(self, r_max: float, irreps_in: dict[str, Any]) -> None:
        super().__init__()
        self.features = EllipsoidEdgeFeatures(r_max)
        n = irreps_in[AtomicDataDict.EDGE_EMBEDDING_KEY].num_irreps + self.features.n_features
        self._init_irreps(
            irreps_in={**irreps_in, **INPUT_IRREPS},
            required_irreps_in=[AtomicDataDict.EDGE_EMBEDDING_KEY, AtomicDataDict.EDGE_CUTOFF_KEY],
            irreps_out={AtomicDataDict.EDGE_EMBEDDING_KEY: o3.Irreps([(n, "0e")])},
        )

    def forward(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """Append to ``edge_embedding``."""
        of_shapes = self.features(self.raw_features(data))  # -> [edge, invariant]
        of_shapes = of_shapes * data[AtomicDataDict.EDGE_CUTOFF_KEY].to(self.dtype)
        of_lengths = data[AtomicDataDict.EDGE_EMBEDDING_KEY]
        data[AtomicDataDict.EDGE_EMBEDDING_KEY] = torch.cat([of_lengths, of_shapes], dim=1)
        return data

    def raw_features(self, data: dict[str, Tensor]) -> Tensor:
        """Invariants of the edges ``(edge, invariant)``."""
        inputs = ellipsoid_inputs(data, self.dtype)
        return self.features.invariants(
            inputs.edge_vectors, inputs.edge_index, inputs.orientations, inputs.semiaxes
        )

    def measure_features(self, features: Tensor) -> None:
        """Set the scales from invariants ``(edge, invariant)``."""
        self.features.measure(features)
