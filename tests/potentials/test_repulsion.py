"""The prior that keeps surfaces apart, gaps of pairs, and pair potentials that are bounded at overlap."""

from math import exp
from pathlib import Path

import pytest
import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.potentials import (
    PairPotential,
    StackedPotential,
    SurfaceRepulsion,
    load_model,
    mechanics,
    save_model,
    smallest_gap,
)
from anisoap_e3nn.testing import check_derivatives, check_equivariance


def spheres(distance: float) -> EllipsoidData:
    return EllipsoidData(
        [[0.0, 0, 0], [0, 0, distance]], [[1.0, 0, 0, 0]] * 2, [[0.75] * 3] * 2, [0, 1]
    )


@pytest.mark.parametrize("distance", [0.4, 1.5, 2.0])
def test_energy_and_force_of_spheres(distance: float) -> None:
    """An exponential of the gap, whose force pushes the second sphere away."""
    repulsion = SurfaceRepulsion([0, 1], 4.0, strength=2.0, decay_length=0.3)
    result = mechanics(repulsion, spheres(distance))
    energy = 2 * exp((1.5 - distance) / 0.3)
    assert float(result.energy) == pytest.approx(energy, rel=1e-4)  # of spheres a little thicker
    assert float(result.forces[1, 2]) == pytest.approx(energy / 0.3, rel=1e-4)


def test_symmetries_and_derivatives(spaced: dict[str, EllipsoidData]) -> None:
    repulsion = SurfaceRepulsion([6, 1], 4.5, strength=0.3, decay_length=0.4)
    for name in ("periodic", "open"):
        check_derivatives(repulsion, spaced[name], directions=3)
    check_equivariance(repulsion, spaced["periodic"])


def test_it_has_nothing_to_train_and_is_saved(tmp_path: Path) -> None:
    stack = StackedPotential([SurfaceRepulsion([0, 1], 4.0, 2.0, 0.3), PairPotential([0, 1], 4.0)])
    assert [type(part) for part in stack.fixed] == [SurfaceRepulsion]
    assert [name for name, _ in stack.named_parameters()] == ["components.1.weights"]
    save_model(stack, tmp_path / "stack.pt")
    again = load_model(tmp_path / "stack.pt")
    assert torch.equal(again(spheres(1.2)), stack(spheres(1.2)))


def test_it_sets_in_where_the_data_end() -> None:
    """With the root mean square of the forces at the smallest gap, which pairs of spheres show."""
    frames = [spheres(distance) for distance in (1.7, 1.6, 2.5)]
    for frame in frames:
        frame.forces = torch.tensor([[0.0, 3.0, 0], [4.0, 0, 0]])
    repulsion = SurfaceRepulsion.of_frames(frames, cutoff=4.0)
    assert smallest_gap(frames, 4.0) == pytest.approx(0.1, abs=1e-4)
    assert repulsion.hyperparameters["decay_length"] == pytest.approx(1.6 / 15)
    force = mechanics(repulsion, spheres(1.6)).forces[1, 2]
    assert float(force) == pytest.approx((25 / 2) ** 0.5, rel=1e-5)
    del frames[1].forces
    with pytest.raises(ValueError, match="no forces in frame 1"):
        SurfaceRepulsion.of_frames(frames, cutoff=4.0)
    with pytest.raises(ValueError, match="no two particles are closer than the cutoff"):
        smallest_gap([spheres(5.0)], 4.0)


def test_gaps_of_ellipsoids_follow_their_orientation() -> None:
    """Two equal disks, thickness 1 and diameter 4: face to face and edge to edge."""
    for quaternion, gap in (([1.0, 0, 0, 0], 4.0), ([1.0, 1, 0, 0], 1.0)):
        data = EllipsoidData(
            [[0.0, 0, 0], [0, 0, 5]], [quaternion] * 2, [[2.0, 2, 0.5]] * 2, [0, 0]
        )
        assert smallest_gap([data], 6.0) == pytest.approx(gap, abs=1e-3)


def test_bounded_pairs(generator: torch.Generator, spaced: dict[str, EllipsoidData]) -> None:
    """The same energies above the smallest gap; constants, and no forces, far below it."""
    plain = PairPotential([0, 1], 4.0, n_radial=8, decay_length=1.0)
    bounded = PairPotential([0, 1], 4.0, n_radial=8, decay_length=1.0, smallest_gap=0.1)
    torch.nn.init.normal_(plain.weights, generator=generator)
    with torch.no_grad():
        bounded.weights.copy_(plain.weights)
    assert torch.equal(bounded(spheres(1.7)), plain(spheres(1.7)))
    deep, deeper = mechanics(bounded, spheres(1.2)), mechanics(bounded, spheres(0.3))
    torch.testing.assert_close(deep.energy, deeper.energy)
    assert not deeper.forces.any()
    assert plain(spheres(0.3)).sum().abs() > 100 * bounded(spheres(0.3)).sum().abs()
    assert bounded.hyperparameters["smallest_gap"] == 0.1
