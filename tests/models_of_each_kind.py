"""One model of each kind, and a frame for them."""

from collections.abc import Callable

import torch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.gay_berne import GayBerne
from anisoap_e3nn.networks import MACEStylePotential, NequIPStylePotential
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    OneBodyPotential,
    PairPotential,
    StackedPotential,
)
from small_networks import SMALL

MODELS: dict[str, Callable[[], torch.nn.Module]] = {
    "embedding": lambda: AniSOAPEmbedding([6, 1], 4.0, 2, radial_gaussian_width=1.0),
    "embedding with a map": lambda: AniSOAPEmbedding(
        [6, 1], 4.0, 2, radial_gaussian_width=1.0, irreps_out="4x0e+2x1o", per_center_type=True
    ),
    "nequip": lambda: NequIPStylePotential([6, 1], 4.0, "4x0e+2x1o+1x0o", **SMALL),
    "mace": lambda: MACEStylePotential([6, 1], 4.0, 3, 1, 2, **SMALL),
    "pair": lambda: PairPotential([6, 1], 4.0),
    "many-body": lambda: ManyBodyPotential([6, 1], 4.0, 2, None),
    "perceptron": lambda: ManyBodyPotential([6, 1], 4.0, 2, None, hidden=[8]),
    "gay-berne": lambda: GayBerne([6, 1], 4.0, epsilon=[1.0, 2.0]),
    "one-body": lambda: OneBodyPotential([6, 1]),
    "stack": lambda: StackedPotential([PairPotential([6, 1], 3.0), GayBerne([6, 1], 4.0)]),
}


def frame(dtype: torch.dtype = torch.float32) -> EllipsoidData:
    generator = torch.Generator().manual_seed(0)
    return EllipsoidData(
        pos=2 * torch.rand(4, 3, generator=generator),
        orientations=torch.randn(4, 4, generator=generator),
        semiaxes=0.2 + torch.rand(4, 3, generator=generator),
        types=[6, 1, 1, 6],
    ).apply(lambda x: x.to(dtype) if x.is_floating_point() else x)


def with_weights(name: str) -> torch.nn.Module:
    torch.manual_seed(1)
    model = MODELS[name]()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model
