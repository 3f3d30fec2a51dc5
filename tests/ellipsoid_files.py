"""Ellipsoids, and files of them, written by SciPy and NumPy alone."""

import ase
import numpy as np

from anisoap_e3nn.geometry import covariances

QUIET = "ignore:found the sizes 'c_shape'"


def wxyz(rotation):
    return rotation.as_quat()[:, [3, 0, 1, 2]]


def sigma(data):
    return covariances(data.orientations, data.semiaxes).numpy()


def expected_sigma(rotation, semiaxes):
    matrices = rotation.as_matrix()
    return matrices * semiaxes[:, None, :] ** 2 @ matrices.transpose(0, 2, 1)


def atoms_with(positions, **arrays):
    atoms = ase.Atoms("X" * len(positions), positions, cell=[9.0, 10.0, 11.0], pbc=[1, 1, 0])
    for name, values in arrays.items():
        atoms.set_array(name, values)
    return atoms


def lammps_dump(columns, box, values, bounds="pp pp ff", steps=2):
    rows = "\n".join(" ".join(f"{value:.16g}" for value in row) for row in values)
    lines = "\n".join(" ".join(f"{value:.16g}" for value in row) for row in box)
    frames = [
        f"ITEM: TIMESTEP\n{100 * step}\nITEM: NUMBER OF ATOMS\n{len(values)}\n"
        f"ITEM: BOX BOUNDS {bounds}\n{lines}\nITEM: ATOMS {columns}\n{rows}\n"
        for step in range(steps)
    ]
    return "".join(frames)


def particle_columns(coordinates, ellipsoids):
    """Rows of a dump in an order of their own; `coordinates` are those of particles 1, 2, …"""
    _, rotation, semiaxes = ellipsoids
    n = len(coordinates)
    ids, types = np.arange(1, n + 1)[:, None], 1 + np.arange(n)[:, None] % 2
    rows = np.hstack([ids, types, coordinates, wxyz(rotation), 2 * semiaxes])
    return rows[np.random.default_rng(3).permutation(n)]
