"""What a compiler makes otherwise is found."""

import pytest
import torch
from torch import Tensor

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.potentials import OneBodyPotential
from anisoap_e3nn.testing import check_compilation
from common import needs_compiler

pytestmark = [pytest.mark.usefixtures("fresh_compiler"), needs_compiler]


class Springs(torch.nn.Module):
    """Springs to the origin, which differ while a compiler looks on."""

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        self.fault = fault
        self.stiffness = torch.nn.Parameter(torch.tensor([2.0]))

    def forward(self, data: EllipsoidData) -> Tensor:
        stiffness = self.stiffness
        if torch.compiler.is_compiling():
            if self.fault == "value":
                stiffness = stiffness * 1.001
            if self.fault == "gradient":
                stiffness = stiffness.detach() + 0 * stiffness
        return stiffness * data.pos.square().sum(1)


@pytest.mark.compiler
def test_results_and_gradients_that_differ(frames: dict[str, EllipsoidData]) -> None:
    data = frames["open"]
    assert check_compilation(Springs(), data, create_graph=True) < 1e-12
    with pytest.raises(AssertionError, match=r"^compiled, energy\[0\] is .*, expected"):
        check_compilation(Springs("value"), data)
    with pytest.raises(AssertionError, match=r"^compiled, and differentiated by parameters, stiff"):
        check_compilation(Springs("gradient"), data, create_graph=True)


def test_models_without_a_single_graph(frames: dict[str, EllipsoidData]) -> None:
    class Branching(OneBodyPotential):
        def forward(self, data: EllipsoidData, edges: object = None) -> Tensor:
            energies = super().forward(data)
            return energies if data.pos.sum() > 0 else -energies

    with pytest.raises(RuntimeError, match="branch"):
        check_compilation(Branching([6, 1]), frames["open"])
