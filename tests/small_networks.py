"""Networks small enough for tests, one of them written as a third party would."""

from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.networks import (
    EdgeFeatures,
    MACEStylePotential,
    MessagePassingOptions,
    MessagePassingPotential,
    NequIPStylePotential,
)
from anisoap_e3nn.nn import TypeLinear

CUTOFF = 4.0
FRAMES = ["periodic", "open", "slab"]
SMALL: dict[str, Any] = {"max_angular": 3, "max_radial": 1, "n_radial": 4, "radial_layers": [8]}


class OneConvolution(MessagePassingPotential):
    """A network of one's own, as the documentation shows it."""

    def __init__(
        self,
        types: list[int],
        cutoff: float,
        n_channels: int = 8,
        **options: Unpack[MessagePassingOptions],
    ) -> None:
        super().__init__(types, cutoff, f"{n_channels}x0e + {n_channels}x1o", **options)
        self.hyperparameters |= {"n_channels": n_channels}
        self.convolution = self.build_convolution(self.irreps_features, "0e")
        self.readout = TypeLinear(self.convolution.irreps_out, "1x0e", len(self.types))

    def network(
        self, h: Tensor, type_index: Tensor, edge_index: Tensor, edges: EdgeFeatures
    ) -> Tensor:
        messages = self.convolution(h, edge_index, edges, self.n_neighbors)
        energies: Tensor = self.readout(messages, type_index).squeeze(1)
        return energies  # -> [particle]


def nequip(**options: Any) -> NequIPStylePotential:
    irreps = "6x0e + 2x0o + 3x1o + 2x1e + 3x2e"  # pseudoscalars and pseudovectors too
    return NequIPStylePotential([6, 1], CUTOFF, irreps, **(SMALL | options))


def mace(**options: Any) -> MACEStylePotential:
    return MACEStylePotential([6, 1], CUTOFF, 3, 1, 2, **(SMALL | options))


def own(**options: Any) -> OneConvolution:
    return OneConvolution([6, 1], CUTOFF, 4, **(SMALL | options))


def labelled(data: EllipsoidData, generator: torch.Generator) -> EllipsoidData:
    data.energy = torch.randn(1, generator=generator)
    data.forces, data.torques = torch.randn(2, len(data.pos), 3, generator=generator).unbind()
    return data
