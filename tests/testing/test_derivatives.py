"""Every wrong sign, factor and missing part of a derivative is found."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.geometry import rotation_matrices, to_body_frame
from anisoap_e3nn.potentials import Mechanics
from anisoap_e3nn.testing import check_derivatives, check_gradients
from faulty_models import WithDerivatives


def virial_of_positions(result: Mechanics, data: EllipsoidData) -> dict[str, Tensor]:
    """Right in open frames only."""
    moments = torch.einsum("ia,ib->ab", data.pos, result.forces)[None]
    return {"virial": (moments + moments.mT) / 2}


@pytest.mark.parametrize("directions", [None, 3], ids=["coordinates", "directions"])
@pytest.mark.parametrize(
    ("change", "quantity"),
    [
        (lambda x, _: {"torques": -x.torques}, "torques"),
        (lambda x, d: {"torques": to_body_frame(x.torques, d.orientations)}, "torques"),
        (lambda x, _: {"torques": torch.zeros_like(x.torques)}, "torques"),
        (lambda x, _: {"torques": 1.00001 * x.torques}, "torques"),
        (lambda x, _: {"forces": -x.forces}, "forces"),
        (lambda x, _: {"forces": 2 * x.forces}, "forces"),
        (lambda x, _: {"forces": x.forces.roll(1, 0)}, "forces"),
        (lambda x, _: {"forces": torch.full_like(x.forces, torch.nan)}, "forces"),
        (lambda x, _: {"virial": -x.virial}, "virial"),
        (virial_of_positions, "virial"),
        (lambda x, _: {"energies": 2 * x.energies}, "energies"),
    ],
)
def test_derivatives_of_its_own(
    model: torch.nn.Module,
    frames: dict[str, EllipsoidData],
    change: Callable[[Mechanics, EllipsoidData], dict[str, Tensor]],
    quantity: str,
    directions: int | None,
) -> None:
    wrong = WithDerivatives(model, change)
    with pytest.raises(
        AssertionError, match=rf", {quantity}\[[\d, ]+\] is .*, expected .* tolerance"
    ):
        check_derivatives(wrong, frames["slab"], directions=directions)


def test_a_virial_that_is_not_symmetric(
    model: torch.nn.Module, frames: dict[str, EllipsoidData]
) -> None:
    skew = torch.tensor([[0, 1.0, 0], [-1, 0, 0], [0, 0, 0]])
    wrong = WithDerivatives(model, lambda x, _: {"virial": x.virial + 1e-3 * skew})
    with pytest.raises(AssertionError, match=r"finite differences, virial\[0, (0, 1|1, 0)\]"):
        check_derivatives(wrong, frames["slab"])


@pytest.mark.parametrize(
    ("field", "quantity"), [("pos", "forces"), ("orientations", "torques"), ("cell", "virial")]
)
def test_graphs_that_are_cut(
    model: torch.nn.Module, frames: dict[str, EllipsoidData], field: str, quantity: str
) -> None:
    def cut(data: Any) -> Tensor:
        data = copy.copy(data)
        data[field] = data[field].detach()
        return model(data)

    with pytest.raises(AssertionError, match=rf"finite differences, {quantity}\["):
        check_derivatives(cut, frames["slab"])


@pytest.mark.parametrize("spelling", ["quaternions", "matrices"])
@pytest.mark.parametrize("kind", ["slab", "one_periodic", "one_open", "empty"])
def test_right_models(
    model: torch.nn.Module, frames: dict[str, EllipsoidData], kind: str, spelling: str
) -> None:
    data = frames[kind]
    if spelling == "matrices":
        data.orientations = rotation_matrices(data.orientations)
    assert check_derivatives(model, data) < 1e-6
    assert check_derivatives(model, data, directions=2, step=1e-4) < 1e-6


def test_batches(model: torch.nn.Module, frames: dict[str, EllipsoidData]) -> None:
    batch = Batch.from_data_list([frames["slab"], frames["one_periodic"], frames["empty"]])
    assert check_derivatives(model, batch.with_edges(4.5), directions=3) < 1e-6
    wrong = WithDerivatives(model, lambda x, _: {"virial": x.virial.flip(0)})
    with pytest.raises(AssertionError, match=r"virial\["):
        check_derivatives(wrong, batch, directions=3)


def test_single_precision_is_refused(
    model: torch.nn.Module, frames: dict[str, EllipsoidData]
) -> None:
    single = frames["slab"].clone().apply(lambda x: x.float() if x.is_floating_point() else x)
    with pytest.raises(TypeError, match=r"torch\.float32, expected torch\.float64"):
        check_derivatives(model.float(), single)


class Trained(torch.nn.Module):
    """A model with one more parameter, used somehow."""

    def __init__(
        self, model: torch.nn.Module, use: Callable[[Tensor, Tensor, EllipsoidData], Tensor]
    ) -> None:
        super().__init__()
        self.model, self.use = model, use
        self.scale = torch.nn.Parameter(torch.tensor([1.3]))

    def forward(self, data: EllipsoidData) -> Tensor:
        return self.use(self.model(data), self.scale, data)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda e, s, _: e * s.detach(), r"^no gradient reaches \['scale'\]: are they detached"),
        (lambda e, s, _: e * s.item(), r"^no gradient reaches \['scale'\]"),
        (lambda e, s, _: e * s + (s - s).abs().sqrt(), r"of \['scale'\] are not finite: is there"),
        (
            lambda e, s, _: e * s + e * s.detach(),
            r"^along a random direction .*, derivative\[0\] is",
        ),
        (lambda e, s, _: e.detach() * s, "reaches .*embedding"),
    ],
)
def test_parameters_that_are_not_trained(
    model: torch.nn.Module,
    frames: dict[str, EllipsoidData],
    use: Callable[[Tensor, Tensor, EllipsoidData], Tensor],
    message: str,
) -> None:
    assert check_gradients(Trained(model, lambda e, s, _: e * s), frames["slab"]) < 1e-6
    with pytest.raises(AssertionError, match=message):
        check_gradients(Trained(model, use), frames["slab"])


def test_derivatives_that_do_not_train(
    model: torch.nn.Module, frames: dict[str, EllipsoidData]
) -> None:
    assert check_gradients(WithDerivatives(model, lambda *_: {}), frames["slab"]) < 1e-6
    wrong = WithDerivatives(model, lambda x, _: {"torques": x.torques.detach()})
    with pytest.raises(AssertionError, match="derivative"):
        check_gradients(wrong, frames["slab"])
    with pytest.raises(ValueError, match="no parameters that require grad"):
        check_gradients(wrong.requires_grad_(False), frames["slab"])
