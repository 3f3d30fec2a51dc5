"""Frames as AniSOAP takes them."""

from collections.abc import Callable
from typing import Any

import ase
import numpy as np
from scipy.spatial.transform import Rotation

from common import Reference


def with_ellipsoids(atoms: ase.Atoms, quaternions: Any, diameters: Any) -> ase.Atoms:
    """The frame with orientations (w, x, y, z) and diameters (N, 3)."""
    atoms.arrays["c_q"] = np.array(quaternions, dtype=float)
    for k in range(3):
        atoms.arrays[f"c_diameter[{k + 1}]"] = np.array(diameters, dtype=float)[:, k]
    return atoms


def random_frame(
    rng: np.random.Generator, numbers: list[int], box: float = 5.0, pbc: Any = True
) -> ase.Atoms:
    n = len(numbers)
    cell = box * np.eye(3) + rng.normal(scale=0.3, size=(3, 3))
    atoms = ase.Atoms(numbers, rng.random((n, 3)) @ cell, cell=cell, pbc=pbc)
    return with_ellipsoids(atoms, rng.normal(size=(n, 4)), 0.5 + 2 * rng.random((n, 3)))


def turned(frame: ase.Atoms, rotation: Rotation) -> ase.Atoms:
    """The whole frame, its box and its particles, turned by a rotation."""
    frame = frame.copy()
    frame.set_cell(rotation.apply(frame.cell.array))
    frame.positions = rotation.apply(frame.positions)
    old = Rotation.from_quat(frame.arrays["c_q"][:, [1, 2, 3, 0]])
    frame.arrays["c_q"] = (rotation * old).as_quat()[:, [3, 0, 1, 2]]
    return frame


def reference_frames(reference: Reference) -> list[ase.Atoms]:
    arrays = {name: array.numpy() for name, array in reference.arrays.items()}
    frames, start = [], 0
    for n, cell, pbc in zip(arrays["n_particles"], arrays["cell"], arrays["pbc"], strict=True):
        rows = slice(start, start + n)
        atoms = ase.Atoms(arrays["numbers"][rows], arrays["positions"][rows], cell=cell, pbc=pbc)
        quaternions, semiaxes = arrays["quaternions_wxyz"][rows], arrays["semiaxes"][rows]
        frames.append(with_ellipsoids(atoms, quaternions, 2 * semiaxes))
        start += n
    return frames


def numerical_gradients(
    values: Callable[[ase.Atoms], np.ndarray], frame: ase.Atoms, step: float = 2e-3
) -> np.ndarray:
    """By four-point differences ``(moving particle, 3, ...)``."""
    result = []
    for atom in range(len(frame)):
        for axis in range(3):
            shifted = []
            for k in (-2, -1, 1, 2):
                moved = frame.copy()
                moved.positions[atom, axis] += k * step
                shifted.append(values(moved))
            a, b, c, d = shifted
            result.append((8 * (c - b) - (d - a)) / (12 * step))
    return np.array(result).reshape(len(frame), 3, *result[0].shape)
