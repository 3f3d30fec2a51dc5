"""Semi-axes that are learnt: positive, reached by gradients, and found again."""

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.potentials import ParticleShapes, mechanics

TRUE = torch.tensor([[0.5, 0.9, 1.5], [0.4, 1.2, 0.8]], dtype=torch.float64)


class Shaped(torch.nn.Module):
    """A model with shapes of its own."""

    def __init__(self, model: torch.nn.Module, semiaxes: Tensor) -> None:
        super().__init__()
        self.shapes = ParticleShapes([6, 1], semiaxes)
        self.model = model

    def forward(self, data: EllipsoidData) -> Tensor:
        energies: Tensor = self.model(self.shapes(data))
        return energies


@pytest.fixture
def batch(frames: dict[str, EllipsoidData]) -> Batch:
    return Batch.from_data_list(list(frames.values())).with_edges(4.0)


def test_every_particle_gets_the_shape_of_its_type(batch: Batch) -> None:
    before = batch.semiaxes.clone()
    shapes = ParticleShapes([6, 1], TRUE)
    shaped = shapes(batch)
    torch.testing.assert_close(shaped.semiaxes, TRUE[(batch.types == 1).long()], rtol=1e-15, atol=0)
    assert torch.equal(batch.semiaxes, before)
    assert shaped.pos is batch.pos
    assert "6: 0.5 × 0.9 × 1.5, 1: 0.4 × 1.2 × 0.8" in repr(shapes)


@pytest.mark.parametrize("orientations", ["random", "unturned"])
def test_gradients_reach_the_shapes(
    backend: str, model: torch.nn.Module, batch: Batch, orientations: str
) -> None:
    """Of a loss on energies, forces and torques, from spheres too."""
    if orientations == "unturned":
        batch.orientations[:] = torch.tensor([1.0, 0.0, 0.0, 0.0])

    def loss(log_semiaxes: Tensor) -> Tensor:
        parameters = {"shapes.log_semiaxes": log_semiaxes}

        def shaped(data: EllipsoidData) -> Tensor:
            return torch.func.functional_call(Shaped(model, TRUE), parameters, (data,))

        result = mechanics(shaped, batch, create_graph=True)
        return sum(x.square().sum() + x.sum() for x in result[:3])

    for start in (TRUE, torch.full_like(TRUE, 0.7)):
        log_semiaxes = start.log().requires_grad_()
        assert torch.autograd.gradcheck(loss, [log_semiaxes], atol=1e-6, rtol=1e-6)
        (gradient,) = torch.autograd.grad(loss(log_semiaxes), [log_semiaxes])
        assert (gradient.abs() > 1e-4).all()


def test_a_known_shape_is_found_again(model: torch.nn.Module, batch: Batch) -> None:
    """From the energies of the particles; a teacher of the same architecture made them."""
    energies = Shaped(model, TRUE)(batch).detach()
    student = Shaped(model, [0.7, 0.8, 0.9])
    optimizer = torch.optim.LBFGS(
        student.shapes.parameters(), max_iter=100, line_search_fn="strong_wolfe",
        tolerance_grad=1e-12, tolerance_change=1e-14,
    )  # fmt: skip

    def loss() -> Tensor:
        optimizer.zero_grad()
        error = (student(batch) - energies).square().sum()
        error.backward()
        return error

    optimizer.step(loss)
    torch.testing.assert_close(
        student.shapes.semiaxes.sort(1).values, TRUE.sort(1).values, rtol=1e-3, atol=0
    )


def test_semiaxes_stay_positive() -> None:
    shapes = ParticleShapes([0], [1e-3, 1.0, 10.0])
    optimizer = torch.optim.SGD(shapes.parameters(), lr=10.0)
    for _ in range(3):
        optimizer.zero_grad()
        shapes.semiaxes.sum().backward()  # downhill is where semi-axes shrink
        optimizer.step()
        assert (shapes.semiaxes > 0).all()


def test_checkpoints_name_the_types() -> None:
    shapes = ParticleShapes([6, 1], TRUE)
    other = ParticleShapes([6, 1], [1.0, 1.0, 1.0])
    other.load_state_dict(shapes.state_dict())
    assert torch.equal(other.semiaxes, shapes.semiaxes)
    with pytest.raises(ValueError, match=r"types=\[6, 1\] \(here \[1, 6\]\)"):
        ParticleShapes([1, 6], TRUE).load_state_dict(shapes.state_dict())


@pytest.mark.parametrize(
    ("types", "semiaxes", "message"),
    [
        ([1, 1], [1.0, 1.0, 1.0], "different integers"),
        ([], [1.0, 1.0, 1.0], "different integers"),
        ([1, 6], [1.0, 1.0], r"shape \(2,\), expected \(3,\) or \(2, 3\)"),
        ([1, 6], [[1.0, 1.0, 1.0]] * 3, r"shape \(3, 3\), expected"),
        ([1], [1.0, 0.0, 1.0], "finite lengths > 0"),
        ([1], [1.0, float("nan"), 1.0], "finite lengths > 0"),
    ],
)
def test_impossible_shapes_are_refused(types: list[int], semiaxes: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ParticleShapes(types, semiaxes)


def test_unknown_types_are_refused(batch: Batch) -> None:
    with pytest.raises(
        ValueError,
        match=r"unknown particle types \[1\]: this model of shapes was built for types=\[6\]",
    ):
        ParticleShapes([6], [1.0, 1.0, 1.0])(batch)
