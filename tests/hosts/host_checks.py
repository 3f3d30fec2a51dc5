"""What energies, forces, torques and stress obey in any host, as checks of a function from frames to them."""

from collections.abc import Callable

import pytest
import torch
from ellipsoid_frames import Frame, random_orthogonal
from torch import Tensor

Results = Callable[..., dict[str, Tensor]]


def largest(difference: Tensor) -> float:
    return float(difference.detach().abs().max())


def check_turned(
    results: Results, frame: Frame, determinant: int, generator: torch.Generator
) -> None:
    rotation = random_orthogonal(generator, determinant)
    a, b = results(frame), results(frame.turned(rotation))
    assert largest(a["torques"]) > 1e-3
    assert largest(a["energy"] - b["energy"]) < 1e-10
    assert largest(a["forces"] @ rotation.T - b["forces"]) < 1e-10
    axial = determinant * rotation
    assert largest(a["torques"] @ axial.T - b["torques"]) < 1e-10
    assert largest(rotation @ a["stress"] @ rotation.T - b["stress"]) < 1e-10


def check_moved_and_renumbered(results: Results, frame: Frame, generator: torch.Generator) -> None:
    order = torch.randperm(len(frame.types), generator=generator)
    other = frame.permuted(order)
    other.positions = other.positions + torch.tensor([0.3, -7.0, 1.1], dtype=torch.float64)
    a, b = results(frame), results(other)
    assert largest(a["energy"] - b["energy"]) < 1e-10
    assert largest(a["forces"][order] - b["forces"]) < 1e-10
    assert largest(a["torques"][order] - b["torques"]) < 1e-10
    assert largest(a["stress"] - b["stress"]) < 1e-10


def check_finite_differences(results: Results, frame: Frame) -> None:
    def slope(change: Callable[[float], Frame]) -> float:
        energies = [float(results(change(step))["energy"]) for step in (1e-5, -1e-5)]
        return (energies[0] - energies[1]) / 2e-5

    out = results(frame)
    for axis in torch.eye(3, dtype=torch.float64):

        def moved(step: float, axis: Tensor = axis) -> Frame:
            positions = frame.positions.clone()
            positions[3] += step * axis
            return Frame(positions, frame.orientations, frame.semiaxes, frame.types, frame.cell)

        def turned(step: float, axis: Tensor = axis) -> Frame:
            return frame.rotated_particle(3, step * axis)

        assert -slope(moved) == pytest.approx(float(out["forces"][3] @ axis), abs=1e-6)
        assert -slope(turned) == pytest.approx(float(out["torques"][3] @ axis), abs=1e-6)
    strain = torch.tensor([[0.3, 0.2, -0.5], [0.2, -0.1, 0.4], [-0.5, 0.4, 0.6]]).double()
    volume = float(torch.linalg.det(frame.cell).abs())
    work = slope(lambda step: frame.strained(step * strain)) / volume
    assert work == pytest.approx(float((out["stress"][0] * strain).sum()), abs=1e-7)


def check_batches(results: Results, generator: torch.Generator) -> None:
    frames = [Frame.random(n, generator) for n in (7, 5)]
    both, each = results(*frames), [results(frame) for frame in frames]
    for name, values in both.items():
        assert largest(values - torch.cat([one[name] for one in each])) < 1e-10
