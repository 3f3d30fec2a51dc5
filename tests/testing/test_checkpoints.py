"""What a checkpoint forgets is found."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.potentials import OneBodyPotential, PairPotential, StackedPotential
from anisoap_e3nn.testing import check_checkpoint


class Scaled(OneBodyPotential):
    """Energies times a factor, one of its hyperparameters."""

    def __init__(self, types: list[int], factor: float = 1.0) -> None:
        super().__init__(types)
        self.hyperparameters = {"types": types, "factor": factor}
        self.factor = factor

    def forward(self, data: Any, edges: Any = None) -> Tensor:
        return self.factor * super().forward(data, edges) + self.factor


class Forgetful(Scaled):
    """One that does not remember the factor."""

    def __init__(self, types: list[int], factor: float = 1.0) -> None:
        super().__init__(types, factor)
        self.hyperparameters = {"types": types}


class Shown(Forgetful):
    """One that shows it at least."""

    def __repr__(self) -> str:
        return f"Shown(factor={self.factor})"


class Drawn(OneBodyPotential):
    """One with random numbers that are no buffer."""

    def __init__(self, types: list[int]) -> None:
        super().__init__(types)
        self.noise = torch.randn(1)

    def forward(self, data: Any, edges: Any = None) -> Tensor:
        return super().forward(data, edges) + self.noise


CLASSES = (Scaled, Forgetful, Shown, Drawn)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: Forgetful([6, 1], 2.0), r"^loaded again, energy\[0\] is .*, expected"),
        (
            lambda: Shown([6, 1], 2.0),
            r"has repr Shown\(factor=1\.0\), expected Shown\(factor=2\.0\)",
        ),
        (lambda: Drawn([6, 1]), r"^loaded again, energy\[0\]"),
        (
            lambda: Scaled([6, 1]).requires_grad_(False),
            r"parameter 'weights' \(2,\) torch.float64, expected \(2,\) torch.float64, frozen",
        ),
    ],
)
def test_what_is_forgotten(
    model: Any, message: str, frames: dict[str, EllipsoidData], tmp_path: Path
) -> None:
    data = frames["slab"]
    with pytest.raises(AssertionError, match=message):
        check_checkpoint(model(), data, tmp_path, allow=CLASSES)
    assert list(tmp_path.iterdir()) == []


def test_right_models(frames: dict[str, EllipsoidData], tmp_path: Path) -> None:
    pair = PairPotential([6, 1], 4.0, n_radial=4, max_degree=2)
    stack = StackedPotential([Scaled([6, 1], 2.0), pair])
    torch.nn.init.normal_(pair.weights)
    assert check_checkpoint(stack, frames["slab"], tmp_path, allow=CLASSES) == 0
    assert check_checkpoint(stack.eval(), frames["slab"], allow=[Scaled]) == 0
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TypeError, match=r"give allow=\[Scaled\]"):
        check_checkpoint(stack, frames["slab"], tmp_path)
