from pathlib import Path

import ase.io
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from anisoap_e3nn.data import count_frames, read_ellipsoids
from anisoap_e3nn.geometry import rotation_matrices
from ellipsoid_files import expected_sigma, sigma

SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the folder shared/data is absent")
pytestmark = pytest.mark.usefixtures("float64_by_default")


@needs_shared
def test_molecular_crystals_whose_diameters_were_lost():
    path = SHARED / "ellipsoids.xyz"
    with pytest.raises(
        ValueError, match=r"frame 0: found no sizes .* damaged.*c_diameter.* as semiaxes"
    ):
        read_ellipsoids(path)
    frames = read_ellipsoids(path, semiaxes=[2, 2, 0.25])
    assert len(frames) == count_frames(path) == 200
    raw = ase.io.read(path, ":")
    for data, atoms in zip(frames, raw, strict=True):
        rotation = Rotation.from_quat(atoms.arrays["c_q"][:, [1, 2, 3, 0]])
        sizes = np.tile([2, 2, 0.25], (len(atoms), 1))
        np.testing.assert_allclose(sigma(data), expected_sigma(rotation, sizes), atol=1e-10)
        np.testing.assert_allclose(data.cell[0], atoms.cell.array)


@needs_shared
def test_benzene_ellipsoids_whose_two_spellings_agree():
    path = SHARED / "benzene_ellipsoids.xyz"
    frames = read_ellipsoids(path)
    assert len(frames) == count_frames(path) == 100
    for data, atoms in zip(frames, ase.io.read(path, ":"), strict=True):
        rotation = Rotation.from_quat(atoms.arrays["orientation"])
        sizes = atoms.arrays["aspherical_shape"] / 2  # the file repeats its diameters there
        np.testing.assert_allclose(sigma(data), expected_sigma(rotation, sizes), atol=1e-7)
        assert data.pbc.all()


@needs_shared
def test_benzene_crystals_with_their_targets():
    path = SHARED / "benzene_crystals.xyz"
    frames = read_ellipsoids(path, semiaxes={6: 1.7, 1: 1.1})
    assert len(frames) == count_frames(path) == 50
    for data, atoms in zip(frames, ase.io.read(path, ":"), strict=True):
        assert data.energy.item() == atoms.get_potential_energy()
        np.testing.assert_array_equal(data.forces, atoms.get_forces())
        np.testing.assert_array_equal(data.stress[0], atoms.get_stress(voigt=False))
        assert data.types.tolist() == atoms.numbers.tolist()


@needs_shared
def test_gay_berne_frames_reproduce_their_energies():
    """The stored energies come out only with inverted quaternions and sizes as semi-axes."""
    path = SHARED / "gay_berne_random_rotations.xyz"
    options = {"stored_sizes": "semiaxes", "space_to_body": True}
    frames = read_ellipsoids(path, **options)
    assert len(frames) == count_frames(path) == 1000
    for data in frames[::50]:
        assert abs(file_energy(data) - data.energy.item()) < 1e-6 * (1 + abs(data.energy.item()))
    for key, value in {"stored_sizes": None, "space_to_body": False}.items():
        wrong = read_ellipsoids(path, **{**options, key: value})[50]
        assert abs(file_energy(wrong) - wrong.energy.item()) > 1e-3


def file_energy(data):
    """The potential of that file's generator: Gay-Berne, but r itself for its unit vector."""
    shapes = sigma(data)  # G = AᵀS²A, body → space
    rotations = rotation_matrices(data.orientations).numpy()
    a, b, c = data.semiaxes[0].numpy()
    wells = np.array([a / (b * c), b / (a * c), c / (a * b)])
    r = (data.pos[1] - data.pos[0]).numpy()
    distance = np.linalg.norm(r)
    contact = (r @ np.linalg.solve(shapes.sum(0), r) / 2) ** -0.5
    gap = distance - contact + 1
    lennard_jones = 4 * (gap**-12 - gap**-6)
    s = (a * b + c * c) * np.sqrt(a * b)
    eta = np.sqrt(2 * s * s / np.linalg.det(shapes.sum(0)))
    depths = sum(matrix / wells @ matrix.T for matrix in rotations)
    chi = 2 * r @ np.linalg.solve(depths, r)
    return lennard_jones * eta * chi
