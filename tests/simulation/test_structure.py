"""Distribution functions, order and displacements against brute force and known fluids."""

from typing import Any

import numpy as np
import pytest
import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.simulation import structure
from anisoap_e3nn.simulation.structure import largest_distance


def gas(generator: torch.Generator, n: int, cell: torch.Tensor) -> EllipsoidData:
    return EllipsoidData(
        torch.rand(n, 3, generator=generator) @ cell,
        torch.randn(n, 4, generator=generator),
        torch.ones(n, 3),
        [0] * n,
        cell,
        True,
    )


def test_the_ideal_gas_has_no_structure(generator: torch.Generator) -> None:
    cell = torch.tensor([[9.0, 0, 0], [1, 9, 0], [0, -1, 9]])
    found = structure([gas(generator, 150, cell) for _ in range(30)], 4.0, n_bins=8)
    np.testing.assert_allclose(found.g[2:], 1, atol=0.05)
    np.testing.assert_allclose(found.g_angles[:, 3:], 1, atol=0.1)
    np.testing.assert_allclose(found.order[2:], 0, atol=0.05)


def test_brute_force(generator: torch.Generator) -> None:
    """All pairs with their nearest images, in a triclinic cell."""
    cell = torch.tensor([[9.0, 0, 0], [1, 9, 0], [0, -1, 9]])
    data = gas(generator, 20, cell)
    found = structure([data], 4.0, n_bins=4, n_angles=2)
    u = rotation_matrices(data.orientations)[:, :, 2]
    counts = np.zeros((2, 4))
    shifts = torch.cartesian_prod(*[torch.arange(-1.0, 2)] * 3) @ cell
    for i in range(20):
        for j in range(20):
            r = float((data.pos[j] - data.pos[i] + shifts).norm(dim=1).min())
            if i != j and r < 4.0:
                counts[int(abs(float(u[i] @ u[j])) * 2), int(r)] += 1
    volume = float(torch.linalg.det(cell))
    shells = 4 / 3 * np.pi * np.diff(np.arange(5.0) ** 3)
    np.testing.assert_allclose(found.g_angles, counts * volume / (380 * shells) * 2, rtol=1e-5)
    np.testing.assert_allclose(found.g, found.g_angles.mean(0))


def test_crystals_and_steady_motion(generator: torch.Generator) -> None:
    """Aligned disks that move steadily across the boundary: order 1, and displacements (v t)².

    A third of them moves, so a third of the velocity is that of all.
    """
    grid = torch.cartesian_prod(*[torch.arange(3.0)] * 3) * 2
    frames = []
    for t in range(6):
        pos = (grid + t * torch.tensor([0.5, 0, 0]) * (grid[:, 1:2] == 0)) % 6
        quaternions, sizes = [[1.0, 0, 0, 0]] * 27, [[1.0, 1, 0.5]] * 27
        frames.append(EllipsoidData(pos, quaternions, sizes, [0] * 27, 6 * torch.eye(3), True))
    found = structure(frames, 2.5, n_bins=25)
    assert found.nematic == pytest.approx(1.0, abs=1e-5)
    assert found.order[found.g > 0] == pytest.approx(1.0, abs=1e-5)
    assert found.first_peak[0] == pytest.approx(2.0, abs=0.1)
    mean = (1 / 3) * (2 / 3) ** 2 + (2 / 3) * (
        1 / 3
    ) ** 2  # of squares of velocities less their mean
    expected = mean * (0.5 * np.arange(6)) ** 2
    np.testing.assert_allclose(found.displacement, expected, atol=1e-4)
    assert not found.g_angles[:2].any()


def test_open_frames_are_refused(generator: torch.Generator) -> None:
    data = gas(generator, 4, torch.eye(3))
    data.pbc = torch.tensor([[True, True, False]])
    with pytest.raises(ValueError, match="frame 0 is not periodic"):
        structure([data], 1.0)
    with pytest.raises(ValueError, match="found no frames"):
        structure([], 1.0)


def test_turned_cells(generator: torch.Generator) -> None:
    """A trajectory has the structure and the displacements of its rotated and reflected copies."""
    cell = torch.tensor([[9.0, 0, 0], [1, 9, 0], [0, -1, 9]]).double()
    start = torch.rand(20, 3, generator=generator).double() @ cell
    steps = 0.2 * torch.randn(5, 20, 3, generator=generator).double()
    quaternions = torch.randn(20, 4, generator=generator).double()
    turn = rotation_matrices(torch.randn(1, 4, generator=generator).double())[0]

    def trajectory(turn: torch.Tensor) -> list[EllipsoidData]:
        fractions = (start + steps.cumsum(0)) @ torch.linalg.inv(cell)
        return [
            EllipsoidData(
                (x % 1) @ cell @ turn, quaternions, torch.ones(20, 3), [0] * 20, cell @ turn, True
            )
            for x in fractions
        ]

    expected = structure(trajectory(torch.eye(3).double()), 4.0, n_bins=8)
    for each in (turn, turn * torch.tensor([1.0, 1, -1])):
        found = structure(trajectory(each), 4.0, n_bins=8)
        np.testing.assert_allclose(found.g_angles, expected.g_angles)
        np.testing.assert_allclose(found.displacement, expected.displacement, atol=1e-4)


TILTED = torch.tensor([[20.5, 0, 0], [3, 20.5, 0], [-2.5, 4, 20.5]], dtype=torch.float64)


def test_the_largest_distance_is_half_of_the_smallest_height(generator: torch.Generator) -> None:
    """Half of a height of a tilted cell, not of an edge; a trajectory has that of its lowest cell."""
    frames = [gas(generator, 20, TILTED), gas(generator, 20, 0.9 * TILTED)]
    areas = [torch.linalg.cross(TILTED[i], TILTED[j]).norm() for i, j in ((0, 1), (1, 2), (2, 0))]
    half = 0.9 * float(torch.linalg.det(TILTED) / max(areas)) / 2
    found = largest_distance(frames)
    assert found == pytest.approx(half, rel=1e-6)
    assert structure(frames, found).distances[-1] < found
    with pytest.raises(ValueError, match=r"largest is 9.5, expected 9.028 or less, .* of frame 1"):
        structure(frames, 9.5)
    with pytest.raises(ValueError, match="found no frames"):
        largest_distance([])


@pytest.mark.parametrize("n", [0, 1])
def test_frames_without_pairs_are_refused(generator: torch.Generator, n: int) -> None:
    with pytest.raises(ValueError, match=f"frame 0 has {n} particles, expected two or more"):
        structure([gas(generator, n, TILTED)], 5.0)


def test_particles_that_vanish_are_refused(generator: torch.Generator) -> None:
    with pytest.raises(ValueError, match="frame 1 has 5 particles, expected 6 as in frame 0"):
        structure([gas(generator, 6, TILTED), gas(generator, 5, TILTED)], 5.0)


@pytest.mark.parametrize(
    "wrong",
    [{"largest": 0.0}, {"largest": float("nan")}, {"n_bins": 0}, {"n_angles": 0}, {"axis": 3}],
)
def test_arguments_out_of_range(generator: torch.Generator, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is"):
        structure([gas(generator, 4, TILTED)], **{"largest": 5.0, **wrong})


def test_one_bin(generator: torch.Generator) -> None:
    found = structure([gas(generator, 30, TILTED)], 9.0, n_bins=1)
    assert found.first_peak == (4.5, found.g[0])
