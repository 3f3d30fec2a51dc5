import gzip
from itertools import product
from pathlib import Path

import ase
import ase.io
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from anisoap_e3nn.data import iterate_ellipsoids, read_ellipsoids
from anisoap_e3nn.data.files.readers import count_frames
from anisoap_e3nn.geometry import covariances, rotation_matrices

SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the folder shared/data is absent")
pytestmark = pytest.mark.usefixtures("float64_by_default")


@pytest.fixture
def rng():
    return np.random.default_rng(6)


@pytest.fixture
def ellipsoids(rng):
    """Positions, rotations and semi-axes of six ellipsoids, as SciPy and NumPy know them."""
    return 9 * rng.random((6, 3)), Rotation.random(6, random_state=1), 0.5 + rng.random((6, 3))


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


ORIENTATIONS = {
    "c_q": lambda r: {"c_q": wxyz(r)},
    "c_q[1]": lambda r: {f"c_q[{k + 1}]": wxyz(r)[:, k] for k in range(4)},
    "c_orient1": lambda r: {f"c_orient{k + 1}": wxyz(r)[:, k] for k in range(4)},
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
    "semiaxes": lambda a: {"semiaxes": a},
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


def lammps_dump(columns, box, values, bounds="pp pp ff", steps=2):
    rows = "\n".join(" ".join(f"{value:.16g}" for value in row) for row in values)
    lines = "\n".join(" ".join(f"{value:.16g}" for value in row) for row in box)
    frames = [
        f"ITEM: TIMESTEP\n{100 * step}\nITEM: NUMBER OF ATOMS\n{len(values)}\n"
        f"ITEM: BOX BOUNDS {bounds}\n{lines}\nITEM: ATOMS {columns}\n{rows}\n"
        for step in range(steps)
    ]
    return "".join(frames)


QUATERNION_COLUMNS = [
    "c_q[1] c_q[2] c_q[3] c_q[4]",
    "quatw quati quatj quatk",
    "c_orient[1] c_orient[2] c_orient[3] c_orient[4]",
]
SHAPE_COLUMNS = ["c_shape[1] c_shape[2] c_shape[3]", "shapex shapey shapez"]
ORIGIN = np.array([-1.0, 0.5, 2.0])
RESTRICTED = np.array([[8.0, 0, 0], [1.5, 9.0, 0], [-2.0, 1.0, 10.0]])


def particle_columns(coordinates, ellipsoids):
    """Rows of a dump in an order of their own; `coordinates` are those of particles 1, 2, …"""
    _, rotation, semiaxes = ellipsoids
    n = len(coordinates)
    ids, types = np.arange(1, n + 1)[:, None], 1 + np.arange(n)[:, None] % 2
    rows = np.hstack([ids, types, coordinates, wxyz(rotation), 2 * semiaxes])
    return rows[np.random.default_rng(3).permutation(n)]


@pytest.mark.parametrize("names", ["x y z", "xu yu zu", "xs ys zs", "xsu ysu zsu"])
@pytest.mark.parametrize("tilted", [False, True])
def test_lammps_dumps_agree_with_ase(tmp_path, ellipsoids, names, tilted):
    cell = RESTRICTED if tilted else np.diag(np.diag(RESTRICTED))
    positions = ellipsoids[0]
    scaled = (positions - ORIGIN) @ np.linalg.inv(cell)
    coordinates = scaled if "s" in names else positions
    # the bounds of a tilted box are those of all its corners
    corners = ORIGIN + np.array(list(product([0, 1], repeat=3))) @ cell
    box = np.stack([corners.min(0), corners.max(0)], axis=1)
    if tilted:
        box = np.hstack([box, [[cell[1, 0]], [cell[2, 0]], [cell[2, 1]]]])
    path = tmp_path / "dump.lammpstrj"
    columns = f"id type {names} {QUATERNION_COLUMNS[0]} {SHAPE_COLUMNS[0]}"
    header = "xy xz yz pp pp ff" if tilted else "pp pp ff"
    path.write_text(lammps_dump(columns, box, particle_columns(coordinates, ellipsoids), header))
    frames = read_ellipsoids(path)
    assert len(frames) == count_frames(path) == 2
    data = frames[1]
    np.testing.assert_allclose(data.pos, positions, atol=1e-12)
    np.testing.assert_allclose(data.cell[0], cell, atol=1e-12)
    np.testing.assert_allclose(sigma(data), expected_sigma(*ellipsoids[1:]), atol=1e-12)
    assert data.types.tolist() == [1, 2, 1, 2, 1, 2]
    assert data.pbc.tolist() == [[True, True, False]]
    atoms = ase.io.read(path, index=1, format="lammps-dump-text")
    np.testing.assert_allclose(data.cell[0], atoms.cell.array, atol=1e-12)
    if "s" not in names:  # ASE leaves out the origin of scaled coordinates
        np.testing.assert_allclose(data.pos, atoms.positions, atol=1e-12)


@pytest.mark.parametrize(("quaternion", "shape"), list(product(QUATERNION_COLUMNS, SHAPE_COLUMNS)))
def test_spellings_of_lammps(tmp_path, ellipsoids, quaternion, shape):
    path = tmp_path / "ellipsoids.dump.gz"
    rows = particle_columns(ellipsoids[0], ellipsoids)
    forces = np.random.default_rng(8).random((6, 6))
    names = f"id type x y z {quaternion} {shape} fx fy fz tqx tqy tqz element"
    text = lammps_dump(names, [[0, 9]] * 3, np.hstack([rows, forces]), steps=3)
    text = text.replace("ITEM: TIMESTEP", "ITEM: UNITS\nlj\nITEM: TIME\n0.5\nITEM: TIMESTEP", 1)
    lines = [line + " Xe" if line.count(" ") == 17 else line for line in text.splitlines()]
    with gzip.open(path, "wt") as file:
        file.write("\n".join(lines))
    frames = read_ellipsoids(path)
    assert len(frames) == count_frames(path) == 3
    order = np.argsort(rows[:, 0])
    np.testing.assert_allclose(sigma(frames[0]), expected_sigma(*ellipsoids[1:]), atol=1e-12)
    np.testing.assert_allclose(frames[2].forces, forces[order, :3])
    np.testing.assert_allclose(frames[2].torques, forces[order, 3:])


@pytest.mark.parametrize("names", ["x y z", "xs ys zs"])
def test_quaternions_of_general_triclinic_dumps_are_turned(tmp_path, ellipsoids, names):
    # LAMMPS simulates in the restricted box and turns all but computed columns when it dumps
    positions, rotation, semiaxes = ellipsoids
    turn = Rotation.random(random_state=5)
    cell = turn.apply(RESTRICTED)
    scaled = (positions - ORIGIN) @ np.linalg.inv(RESTRICTED)
    coordinates = scaled if "s" in names else scaled @ cell + ORIGIN
    path = tmp_path / "general.dump"
    columns = f"id type {names} {QUATERNION_COLUMNS[1]} {SHAPE_COLUMNS[1]}"
    box = np.hstack([cell, ORIGIN[:, None]])
    rows = particle_columns(coordinates, ellipsoids)
    path.write_text(lammps_dump(columns, box, rows, "abc origin pp ff pp"))
    data = read_ellipsoids(path)[0]
    np.testing.assert_allclose(data.cell[0], cell)
    np.testing.assert_allclose(data.pos, scaled @ cell + ORIGIN, atol=1e-12)
    np.testing.assert_allclose(sigma(data), expected_sigma(turn * rotation, semiaxes), atol=1e-12)
    assert data.pbc.tolist() == [[True, False, True]]


def test_particles_of_lammps_that_are_no_ellipsoids(tmp_path, ellipsoids):
    path = tmp_path / "mixture.dump"
    rows = particle_columns(ellipsoids[0], ellipsoids)
    rows[rows[:, 1] == 2, 5:] = 0  # neither shape nor orientation, as LAMMPS writes for points
    columns = f"id type x y z {QUATERNION_COLUMNS[1]} {SHAPE_COLUMNS[1]}"
    path.write_text(lammps_dump(columns, [[0, 9]] * 3, rows))
    expected = expected_sigma(*ellipsoids[1:])
    expected[1::2] = 0
    np.testing.assert_allclose(sigma(read_ellipsoids(path)[0]), expected, atol=1e-12)
    with pytest.raises(ValueError, match="quaternions that are not zero"):
        read_ellipsoids(path, semiaxes=[1, 2, 3])


def test_damaged_lammps_dumps(tmp_path, ellipsoids):
    path = tmp_path / "dump.lammpstrj"
    rows = particle_columns(ellipsoids[0], ellipsoids)
    text = lammps_dump(
        f"id type x y z {QUATERNION_COLUMNS[0]} {SHAPE_COLUMNS[0]}", [[0, 9]] * 3, rows
    )
    path.write_text(text[:-200])
    with pytest.raises(
        ValueError, match=r"frame 1: timestep 100 is .* expected 6 lines of 12 columns"
    ):
        read_ellipsoids(path)
    path.write_text(text.replace("ATOMS id type", "ATOMS id kind"))
    with pytest.raises(ValueError, match="frame 0: the dump has no column 'type'"):
        read_ellipsoids(path)
    path.write_text(text.replace("type x y", "type x v"))
    with pytest.raises(ValueError, match="expected complete coordinates"):
        read_ellipsoids(path)
    path.write_text(text.replace("ITEM: NUMBER OF ATOMS", "ITEM: NUMBER OF BONDS"))
    with pytest.raises(ValueError, match="expected 'ITEM: NUMBER OF ATOMS'"):
        read_ellipsoids(path)


def gsd_frame(ellipsoids, shapes=None, dimensions=3):
    import gsd.hoomd

    positions, rotation, _ = ellipsoids
    frame = gsd.hoomd.Frame()
    frame.configuration.box = [8, 9, 10 if dimensions == 3 else 0, 0.1, -0.2, 0.3]
    frame.configuration.dimensions = dimensions
    frame.particles.N = len(positions)
    frame.particles.position = positions
    frame.particles.orientation = wxyz(rotation)
    frame.particles.types = ["A", "B"]
    frame.particles.typeid = [0, 1, 1, 0, 1, 0]
    if shapes is not None:
        frame.particles.type_shapes = shapes
    return frame


def write_gsd(path, *frames):
    import gsd.hoomd

    with gsd.hoomd.open(path, mode="w") as file:
        file.extend(frames)


def test_gsd_with_shapes(tmp_path, ellipsoids):
    pytest.importorskip("gsd")
    path = tmp_path / "shapes.gsd"
    shapes = [{"type": "Ellipsoid", "a": 0.5, "b": 1, "c": 2}, {"type": "Sphere", "diameter": 3}]
    write_gsd(path, gsd_frame(ellipsoids, shapes), gsd_frame(ellipsoids, shapes, dimensions=2))
    solid, flat = read_ellipsoids(path)
    assert count_frames(path) == 2
    sizes = np.array([[0.5, 1, 2], [1.5, 1.5, 1.5]])[[0, 1, 1, 0, 1, 0]]
    np.testing.assert_allclose(sigma(solid), expected_sigma(ellipsoids[1], sizes), atol=1e-5)
    np.testing.assert_allclose(solid.pos, ellipsoids[0], atol=1e-6)
    assert solid.types.tolist() == [0, 1, 1, 0, 1, 0]
    # HOOMD's tilt factors are relative: b = (xy·Ly, Ly, 0), c = (xz·Lz, yz·Lz, Lz)
    np.testing.assert_allclose(solid.cell[0], [[8, 0, 0], [0.9, 9, 0], [-2, 3, 10]], atol=1e-6)
    assert solid.pbc.all()
    assert flat.pbc.tolist() == [[True, True, False]]


def test_gsd_without_shapes_takes_sizes_from_the_user(tmp_path, ellipsoids):
    pytest.importorskip("gsd")
    path = tmp_path / "bare.gsd"
    write_gsd(path, gsd_frame(ellipsoids))
    with pytest.raises(ValueError, match=r"bare.gsd, frame 0: found no sizes .*type_shapes are"):
        read_ellipsoids(path)
    (data,) = read_ellipsoids(path, semiaxes={0: [1, 2, 3], 1: 4.0})
    sizes = np.array([[1, 2, 3], [4, 4, 4]])[[0, 1, 1, 0, 1, 0]]
    np.testing.assert_allclose(sigma(data), expected_sigma(ellipsoids[1], sizes), atol=1e-4)


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
