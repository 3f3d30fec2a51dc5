from itertools import product

import ase
import ase.io
import numpy as np
import pytest
import torch

from anisoap_e3nn.data import iterate_coarse_grained, iterate_ellipsoids, read_ellipsoids
from anisoap_e3nn.data.files.readers import count_frames
from anisoap_e3nn.geometry import rotation_matrices
from ellipsoid_files import QUIET, atoms_with, expected_sigma, sigma, wxyz

pytestmark = [
    pytest.mark.usefixtures("float64_by_default"),
    pytest.mark.filterwarnings(QUIET),
]

ORIENTATIONS = {
    "c_q": lambda r: {"c_q": wxyz(r)},
    "c_q[1]": lambda r: {f"c_q[{k + 1}]": wxyz(r)[:, k] for k in range(4)},
    "quati": lambda r: {f"quat{x}": r.as_quat()[:, k] for k, x in enumerate("ijkw")},
    "quatx": lambda r: {f"quat{x}": r.as_quat()[:, k] for k, x in enumerate("xyzw")},
    "Orientation.X": lambda r: {
        f"Orientation.{x}": r.as_quat()[:, k] for k, x in enumerate("XYZW")
    },
    "orientations": lambda r: {"orientations": wxyz(r)},
    "quaternions": lambda r: {"quaternions": -3 * wxyz(r)},
    "orientation": lambda r: {"orientation": r.as_quat()},
    "both": lambda r: {"c_q": wxyz(r), "orientation": -r.as_quat()},
}
SIZES = {
    "c_diameter[1]": lambda a: {f"c_diameter[{k + 1}]": 2 * a[:, k] for k in range(3)},
    "c_diameter1": lambda a: {f"c_diameter{k + 1}": 2 * a[:, k] for k in range(3)},
    "c_shape": lambda a: {"c_shape": 2 * a},
    "shapex": lambda a: {f"shape{x}": 2 * a[:, k] for k, x in enumerate("xyz")},
    "aspherical_shape": lambda a: {"aspherical_shape": a},
    "AsphericalShape.X": lambda a: {f"AsphericalShape.{x}": a[:, k] for k, x in enumerate("XYZ")},
    "diameters": lambda a: {"diameters": 2 * a},
    "semiaxes": lambda a: {"semiaxes": a},
    "with radii of spheres": lambda a: {"aspherical_shape": a, "radius": np.ones(6)},
    "copied diameters": lambda a: {"c_diameter": 2 * a, "aspherical_shape": 2 * a},
    "both": lambda a: {"c_diameter": 2 * a, "aspherical_shape": a},
}


@pytest.mark.parametrize(("orientation", "size"), list(product(ORIENTATIONS, SIZES)))
def test_every_spelling_is_the_same_ellipsoid(tmp_path, ellipsoids, orientation, size):
    positions, rotation, semiaxes = ellipsoids
    arrays = ORIENTATIONS[orientation](rotation) | SIZES[size](semiaxes)
    path = tmp_path / "frame.xyz"
    ase.io.write(path, atoms_with(positions, **arrays), format="extxyz")
    (data,) = read_ellipsoids(path)
    np.testing.assert_allclose(data.pos, positions, atol=1e-7)
    np.testing.assert_allclose(sigma(data), expected_sigma(rotation, semiaxes), atol=1e-6)
    assert data.types.tolist() == [0] * 6
    assert data.pbc.tolist() == [[True, True, False]]
    np.testing.assert_allclose(data.cell[0], np.diag([9.0, 10.0, 11.0]))


def test_options_say_what_a_file_cannot(tmp_path, ellipsoids):
    positions, rotation, semiaxes = ellipsoids
    path = tmp_path / "frame.xyz"
    arrays = {"c_q": rotation.inv().as_quat(), "c_diameter": semiaxes}
    ase.io.write(path, atoms_with(positions, **arrays), format="extxyz")
    options = {"quaternion_order": "xyzw", "stored_sizes": "semiaxes", "space_to_body": True}
    (data,) = read_ellipsoids(path, **options)
    np.testing.assert_allclose(sigma(data), expected_sigma(rotation, semiaxes), atol=1e-6)
    (data,) = read_ellipsoids(path, **options, semiaxes=[1, 2, 3], dtype=torch.float32)
    assert data.semiaxes.tolist() == [[1, 2, 3]] * 6
    assert {data[k].dtype for k in ("pos", "orientations", "semiaxes", "cell")} == {torch.float32}
    with pytest.raises(ValueError, match=r"quaternion_order is 'zyxw', expected one of"):
        read_ellipsoids(path, quaternion_order="zyxw")
    with pytest.raises(ValueError, match=r"stored_sizes is 'radii', expected one of"):
        read_ellipsoids(path, stored_sizes="radii")


@pytest.mark.parametrize(
    "pbc", [False, [True, True, False], np.array([0, 1, 0]), (True, False, True)]
)
def test_what_is_periodic_can_be_given(tmp_path, ellipsoids, pbc):
    positions, rotation, semiaxes = ellipsoids
    arrays = {"quaternions": wxyz(rotation), "semiaxes": semiaxes}
    atoms = atoms_with(positions, **arrays)
    atoms.pbc = [False, True, True]
    ase.io.write(tmp_path / "frame.xyz", [atoms, atoms], format="extxyz")
    for data in read_ellipsoids(tmp_path / "frame.xyz", pbc=pbc):
        assert data.pbc.tolist() == [np.broadcast_to(np.array(pbc, bool), 3).tolist()]
    assert read_ellipsoids(tmp_path / "frame.xyz")[0].pbc.tolist() == [[False, True, True]]


@pytest.mark.parametrize(
    "pbc", ["xy", [True, True], [1, 2, 0], 1.0, [[True] * 3], torch.tensor(0.5)]
)
def test_nonsense_instead_of_periodic_axes(tmp_path, pbc):
    (tmp_path / "frame.xyz").write_text("1\n\nC 0 0 0\n")
    with pytest.raises(TypeError, match=r"pbc is .*, expected True or False, or three of them"):
        read_ellipsoids(tmp_path / "frame.xyz", semiaxes=1.0, pbc=pbc)
    with pytest.raises(TypeError, match=r"pbc is .*, expected True or False, or three of them"):
        next(iterate_coarse_grained(tmp_path / "frame.xyz", pbc=pbc))


def test_molecules_end_at_boundaries_that_are_not_periodic(tmp_path):
    atoms = ase.Atoms("H2", [[0.2, 0, 0], [4.5, 0, 0]], cell=[4.0 + 1.04] * 3, pbc=True)
    ase.io.write(tmp_path / "h2.xyz", atoms, format="extxyz")
    (whole,) = iterate_coarse_grained(tmp_path / "h2.xyz")
    (split,) = iterate_coarse_grained(tmp_path / "h2.xyz", pbc=[False, True, True])
    assert (len(whole.pos), len(split.pos)) == (1, 2)
    assert split.pbc.tolist() == [[False, True, True]]


def test_spellings_that_disagree_are_refused(tmp_path, ellipsoids):
    positions, rotation, semiaxes = ellipsoids
    path = tmp_path / "frame.xyz"
    q = rotation.as_quat()
    atoms = atoms_with(positions, c_q=q, orientation=q, c_diameter=semiaxes)
    ase.io.write(path, [atoms, atoms], format="extxyz")
    with pytest.raises(
        ValueError, match=r"frame.xyz, frame 0: .*'c_q' and 'orientation' .* rotations"
    ):
        read_ellipsoids(path)
    atoms = atoms_with(positions, orientation=q, c_diameter=2 * semiaxes, semiaxes=1.01 * semiaxes)
    ase.io.write(path, atoms, format="extxyz")
    with pytest.raises(ValueError, match="'c_diameter' and 'semiaxes' hold different sizes"):
        read_ellipsoids(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"c_q": np.ones((6, 4))}, "no sizes .*give them as semiaxes"),
        ({"c_q": np.zeros((6, 4)), "semiaxes": np.eye(6, 3)}, "quaternions that are not zero"),
        ({"c_q": np.ones((6, 4)), "semiaxes": -np.ones((6, 3))}, "expected lengths ≥ 0"),
        (
            {"c_q": np.ones((6, 3)), "semiaxes": np.ones((6, 3))},
            r"column 'c_q' has shape \(6, 3\), expected \(6, 4\)",
        ),
        (
            {"c_q1": np.ones(6), "semiaxes": np.ones((6, 3))},
            "columns c_q1, expected all of c_q1, c_q2, c_q3, c_q4",
        ),
        ({"semiaxes": np.ones((6, 3)) * [1, 2, 3]}, "no orientations .*only spheres"),
    ],
)
def test_faults_are_reported_with_file_and_frame(tmp_path, ellipsoids, arrays, message):
    path = tmp_path / "frame.xyz"
    good = atoms_with(ellipsoids[0], c_q=np.ones((6, 4)), semiaxes=np.ones((6, 3)))
    ase.io.write(path, [good, good, atoms_with(ellipsoids[0], **arrays)], format="extxyz")
    with pytest.raises(ValueError, match=f"frame.xyz, frame 2: .*{message}"):
        read_ellipsoids(path)


def test_plain_atoms_are_spheres_with_targets(tmp_path, rng):
    from ase.calculators.singlepoint import SinglePointCalculator

    atoms = ase.Atoms("OH2", rng.random((3, 3)), cell=[5, 6, 7], pbc=True)
    forces, stress = rng.random((3, 3)), rng.random(6)
    atoms.calc = SinglePointCalculator(atoms, energy=-2.5, forces=forces, stress=stress)
    atoms.set_array("torques", 2 * forces)
    path = tmp_path / "water.xyz"
    ase.io.write(path, atoms, format="extxyz")
    with pytest.raises(ValueError, match=r"no sizes .*; give them as semiaxes"):
        read_ellipsoids(path)
    with pytest.raises(ValueError, match=r"types \[1\], .* of semiaxes, \[8\]"):
        read_ellipsoids(path, semiaxes={8: 1.5})
    with pytest.raises(ValueError, match=r"\[1, 2\], expected one radius or three lengths"):
        read_ellipsoids(path, semiaxes=[1, 2])
    with pytest.raises(ValueError, match="only spheres"):
        read_ellipsoids(path, semiaxes=[1, 1, 2])
    (data,) = read_ellipsoids(path, semiaxes={8: 1.5, 1: [1.1, 1.1, 1.1]})
    assert data.types.tolist() == [8, 1, 1]
    assert data.semiaxes.tolist() == [[1.5] * 3, [1.1] * 3, [1.1] * 3]
    np.testing.assert_allclose(rotation_matrices(data.orientations), [np.eye(3)] * 3)
    assert data.energy.tolist() == [-2.5]
    np.testing.assert_allclose(data.forces, forces, atol=1e-7)
    np.testing.assert_allclose(data.torques, 2 * forces, atol=1e-7)
    xx, yy, zz, yz, xz, xy = stress
    np.testing.assert_allclose(data.stress, [[[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]], atol=1e-7)


@pytest.mark.parametrize("name", ["frames.traj", "frames.json", "frames.xyz.gz", "frames.xyz.bz2"])
def test_other_formats_of_ase(tmp_path, ellipsoids, name):
    atoms = atoms_with(ellipsoids[0])
    ase.io.write(tmp_path / name, [atoms, atoms])
    frames = read_ellipsoids(tmp_path / name, semiaxes=2.0)
    assert len(frames) == 2
    assert count_frames(tmp_path / name) == (2 if "xyz" in name else None)
    np.testing.assert_allclose(frames[1].pos, ellipsoids[0], atol=1e-7)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_ellipsoids(tmp_path / "absent.xyz")
    path = tmp_path / "frame.xyz"
    path.write_text("2\n\nX 0 0 0\n")
    with pytest.raises(ValueError, match="the file ends early, expected 2 particles"):
        read_ellipsoids(path, semiaxes=1.0)
    path.write_text("1\n\nX 0 0 0\nhello\n")
    with pytest.raises(ValueError, match="frame 1: found 'hello', expected a number of particles"):
        read_ellipsoids(path, semiaxes=1.0)
    path.write_text("1\n\nFoo 0 0 0\n")
    with pytest.raises(ValueError, match="the element 'Foo', which ASE does not know"):
        read_ellipsoids(path, semiaxes=1.0)
    path = tmp_path / "notes.unheard"
    path.write_text("nothing of the kind")
    with pytest.raises(ValueError, match="ASE does not know the format"):
        read_ellipsoids(path)


def test_frames_come_one_by_one_and_empty_files_hold_none(tmp_path, ellipsoids):
    path = tmp_path / "frames.xyz"
    good = atoms_with(ellipsoids[0], c_q=np.ones((6, 4)), semiaxes=np.ones((6, 3)))
    ase.io.write(path, good, format="extxyz")
    with path.open("a") as file:
        file.write("broken\n")
    frames = iterate_ellipsoids(path)
    assert next(frames).num_nodes == 6
    with pytest.raises(ValueError, match=r"frame 1: .* expected a number of particles"):
        next(frames)
    path.write_text("0\nProperties=species:S:1:pos:R:3\n")
    (data,) = read_ellipsoids(path, semiaxes=1.0)
    assert data.num_nodes == 0
    path.write_text("")
    assert read_ellipsoids(path) == []
