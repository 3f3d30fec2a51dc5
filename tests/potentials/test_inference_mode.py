"""Forces under torch.inference_mode, as in validation loops of trainers."""

import pytest
import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.potentials import ManyBodyPotential, PairPotential, StackedPotential, mechanics
from anisoap_e3nn.simulation import ForceField


@pytest.mark.parametrize("inside", [False, True], ids=["data from outside", "data made inside"])
@pytest.mark.parametrize("terms", ["pair", "many-body", "stack"])
@pytest.mark.parametrize("call", ["mechanics", "force field"])
def test_the_same_numbers(
    call: str, terms: str, inside: bool, frames: dict[str, EllipsoidData]
) -> None:
    torch.manual_seed(2)
    kinds = {
        "pair": [PairPotential],
        "many-body": [ManyBodyPotential],
        "stack": [PairPotential, ManyBodyPotential],
    }
    model = StackedPotential([k([6, 1], 4.0) for k in kinds[terms]])
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    data = frames["slab"]
    expected = mechanics(model, data)
    assert expected.forces.abs().max() > 1e-6
    field = ForceField(model)
    with torch.inference_mode():
        given = data.clone() if inside else data
        for _ in range(2):  # with a list of neighbours from before
            result = mechanics(model, given) if call == "mechanics" else field(given)
            for a, b in zip(result, expected, strict=True):
                torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)
