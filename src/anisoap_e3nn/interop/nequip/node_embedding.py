"""Node features of nequip's networks: the density of ellipsoids, or their shape tensors alone."""

from collections.abc import Sequence
from typing import Any

from e3nn import o3
from nequip.data import AtomicDataDict
from torch import Tensor

from ..ellipsoid_features import EllipsoidFeatures, ShapeFeatures
from .inputs import INPUT_IRREPS, ellipsoid_inputs
from .measured import MeasuredModule


class _NodeEmbedding(MeasuredModule):
    """Base class of modules that set the node features.

    Parameters
    ----------
    features : EllipsoidFeatures or ShapeFeatures
    irreps_in : dict
        Irreps of the fields so far, as nequip's modules take them.
    """

    _nequip_custom_ops_libs = ("anisoap_e3nn.ops",)

    def __init__(
        self, features: EllipsoidFeatures | ShapeFeatures, irreps_in: dict[str, Any]
    ) -> None:
        super().__init__()
        self.features = features
        self._init_irreps(
            irreps_in={**irreps_in, **INPUT_IRREPS},
            irreps_out={AtomicDataDict.NODE_FEATURES_KEY: features.irreps_out},
        )

    def forward(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """Set ``node_features``."""
        coefficients = self.raw_features(data)  # -> [particle, coefficient]
        types = data[AtomicDataDict.ATOM_TYPE_KEY].view(-1)
        data[AtomicDataDict.NODE_FEATURES_KEY] = self.features(coefficients, types)
        return data

    def raw_features(self, data: dict[str, Tensor]) -> Tensor:
        """Coefficients of the densities, or shape tensors ``(N, coefficient)``."""
        return self.features.coefficients(*ellipsoid_inputs(data, self.dtype))

    def measure_features(self, features: Tensor) -> None:
        """Set the scales from coefficients ``(N, coefficient)``."""
        self.features.measure(features)


class AniSOAPNodeEmbedding(_NodeEmbedding):
    """Set the node features to :class:`~anisoap_e3nn.interop.ellipsoid_features.EllipsoidFeatures`.

    Parameters
    ----------
    type_names : sequence of str
        Names of the particle types.
    r_max : float
        Cutoff of the density, a length.
    irreps_features : Irreps or str
        Irreps of the node features. Those that the density lacks are left out.
    irreps_in : dict
        Irreps of the fields so far, as nequip's modules take them.
    **embedding
        Hyperparameters of the :class:`~anisoap_e3nn.AniSOAPEmbedding`.
    """

    def __init__(
        self,
        type_names: Sequence[str],
        r_max: float,
        irreps_features: o3.Irreps | str,
        irreps_in: dict[str, Any],
        **embedding: Any,
    ) -> None:
        features = EllipsoidFeatures(len(type_names), r_max, irreps_features, **embedding)
        super().__init__(features, irreps_in)


class ShapeNodeEmbedding(_NodeEmbedding):
    """Set the node features to :class:`~anisoap_e3nn.interop.ellipsoid_features.ShapeFeatures`.

    Parameters
    ----------
    type_names, irreps_features, irreps_in
        As for :class:`AniSOAPNodeEmbedding`.
    """

    def __init__(
        self,
        type_names: Sequence[str],
        irreps_features: o3.Irreps | str,
        irreps_in: dict[str, Any],
    ) -> None:
        super().__init__(ShapeFeatures(len(type_names), irreps_features), irreps_in)
