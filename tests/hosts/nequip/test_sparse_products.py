"""The modifier enable_SparseProducts, on nequip's own network and on ours."""

import copy
from typing import Any

import pytest
import torch
from ellipsoid_frames import Frame
from nequip.model import NequIPGNNModel
from nequip.model.modify_utils import modify
from nequip.nn.mlp import ScalarMLPFunction
from nequip_models import COMMON, nequip_data, small_nequip

from anisoap_e3nn.interop.nequip.radial_mlp import RadialMLP
from anisoap_e3nn.interop.nequip.sparse_scatter import SparseProductScatter


def own_network() -> Any:
    return NequIPGNNModel(**COMMON, num_layers=3, l_max=2, parity=True, num_features=4)


def step(model: Any, data: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Outputs, and the gradients of a loss on energy and forces."""
    model.train()
    out = model(dict(data))
    (out["forces"].square().mean() + out["total_energy"].square().mean()).backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    return {
        "forces": out["forces"],
        "stress": out["stress"],
        "grad": torch.cat([g.flatten() for g in gradients]),
    }


@pytest.mark.parametrize("build", [own_network, small_nequip])
def test_results_and_gradients_are_the_same(build: Any, frame: Frame) -> None:
    model, data = build(), nequip_data(frame)
    faster = modify(copy.deepcopy(model), [{"modifier": "enable_SparseProducts"}])
    for kind in (SparseProductScatter, RadialMLP):
        assert any(isinstance(m, kind) for m in faster.modules())
    assert model.state_dict().keys() == faster.state_dict().keys()
    before, after = step(model, data), step(faster, data)
    for name, values in before.items():
        scale = float(values.detach().abs().max())
        assert scale > 0
        assert float((values - after[name]).detach().abs().max()) < 1e-12 * scale


def test_other_networks_of_edges_stay() -> None:
    """With biases, another activation or one layer multiplied out, they are nequip's own."""
    common = {"input_dim": 3, "output_dim": 4, "hidden_layers_width": 5}
    plain = ScalarMLPFunction(hidden_layers_depth=2, **common)
    assert RadialMLP.fits(plain)
    x = torch.randn(6, 3)
    torch.testing.assert_close(RadialMLP(plain)(x), plain(x), rtol=1e-5, atol=1e-5)
    for options in ({"bias": True}, {"nonlinearity": "tanh"}, {"nonlinearity": None}):
        other = ScalarMLPFunction(hidden_layers_depth=2, **common, **options)
        assert not RadialMLP.fits(other)
