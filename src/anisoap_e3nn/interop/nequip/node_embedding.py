"""Node features of nequip's networks: the density of ellipsoids, or their shape tensors alone."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from e3nn import o3
from nequip.data import AtomicDataDict
from nequip.nn import GraphModuleMixin
from torch import Tensor

from ..ellipsoid_features import (
    EllipsoidFeatures,
    ShapeFeatures,
    refuse_unknown_hyperparameters,
)
from .inputs import INPUT_IRREPS, ellipsoid_inputs
from .keys import DENSITY_ENERGY
from .measured import MeasuredModule


class _NodeEmbedding(MeasuredModule):
    """Base class of modules that set the node features.

    Parameters
    ----------
    features : EllipsoidFeatures or ShapeFeatures
    irreps_in : dict
        Irreps of the fields so far, as nequip's modules take them.
    **others
        Irreps of other fields that the module sets.
    """

    _nequip_custom_ops_libs = ("anisoap_e3nn.ops",)

    def __init__(
        self, features: EllipsoidFeatures | ShapeFeatures, irreps_in: dict[str, Any], **others: str
    ) -> None:
        super().__init__()
        self.features = features
        self._init_irreps(
            irreps_in={**irreps_in, **INPUT_IRREPS},
            irreps_out={AtomicDataDict.NODE_FEATURES_KEY: features.irreps_out, **others},
        )

    def forward(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """Set ``node_features``, and ``density_energy`` ``(N, 1)`` where there is a density."""
        coefficients = self.raw_features(data)  # -> [particle, coefficient]
        types = data[AtomicDataDict.ATOM_TYPE_KEY].view(-1)
        data[AtomicDataDict.NODE_FEATURES_KEY] = self.features(coefficients, types)
        if isinstance(self.features, EllipsoidFeatures):
            data[DENSITY_ENERGY] = self.features.energies(coefficients, types)[:, None]
        return data

    def raw_features(self, data: dict[str, Tensor]) -> Tensor:
        """Coefficients of the densities, or shape tensors ``(N, coefficient)``."""
        return self.features.coefficients(ellipsoid_inputs(data, self.dtype))

    def measure_features(self, features: Tensor) -> None:
        """Set the scales from coefficients ``(N, coefficient)``."""
        self.features.measure(features)


class AniSOAPNodeEmbedding(_NodeEmbedding):
    """Set the node features to :class:`~anisoap_e3nn.interop.ellipsoid_features.EllipsoidFeatures`.

    Its energies are kept for :class:`DensityEnergyTerm`.

    Parameters
    ----------
    type_names : sequence of str
        Names of the particle types.
    r_max : float
        Cutoff of the density, a length.
    irreps_features : Irreps or str
        Irreps of the node features. Those that a particle's own density lacks are left out; it has even l.
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
        refuse_unknown_hyperparameters(embedding)
        features = EllipsoidFeatures(len(type_names), r_max, irreps_features, **embedding)
        super().__init__(features, irreps_in, **{DENSITY_ENERGY: "1x0e"})


class DensityEnergyTerm(GraphModuleMixin, torch.nn.Module):  # type: ignore[misc]
    """Add the energies of :class:`AniSOAPNodeEmbedding` to those that the network read out.

    Parameters
    ----------
    irreps_in : dict
        Irreps of the fields so far, among them ``density_energy`` and nequip's energy of each atom.
    """

    _init_irreps: Callable[..., None]

    def __init__(self, irreps_in: dict[str, Any]) -> None:
        super().__init__()
        self._init_irreps(
            irreps_in=irreps_in,
            required_irreps_in=[DENSITY_ENERGY, AtomicDataDict.PER_ATOM_ENERGY_KEY],
            irreps_out={AtomicDataDict.PER_ATOM_ENERGY_KEY: "1x0e"},
        )

    def forward(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """Change the energy of each atom."""
        key = AtomicDataDict.PER_ATOM_ENERGY_KEY
        data[key] = data[key] + data.pop(DENSITY_ENERGY)
        return data


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
