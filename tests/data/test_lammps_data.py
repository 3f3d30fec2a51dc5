import gzip

import numpy as np
import pytest

from anisoap_e3nn.data import count_frames, read_ellipsoids
from ellipsoid_files import expected_sigma, sigma, wxyz

pytestmark = pytest.mark.usefixtures("float64_by_default")
HEADER = "LAMMPS data file\n\n{} atoms\n{} ellipsoids\n2 atom types\n\n"
BOX = "-1 9 xlo xhi\n0 8 ylo yhi\n0 7 zlo zhi\n"
ATOMS = "\nAtoms # ellipsoid\n\n2 1 1 1.0 4 5 6\n1 2 0 1.0 1 2 3\n"
ELLIPSOIDS = "\nEllipsoids\n\n2 2 4 6 0.5 0.5 0.5 -0.5\n"
TEXT = HEADER.format(2, 1) + BOX + ATOMS + ELLIPSOIDS


@pytest.mark.parametrize("name", ["system.data", "data.system", "init.dat", "a.lmp", "b.data.gz"])
def test_data_files_of_lammps(tmp_path, name):
    path = tmp_path / name
    with (gzip.open if name.endswith("gz") else open)(path, "wt") as file:
        file.write(TEXT)
    (data,) = read_ellipsoids(path)
    assert count_frames(path) == 1
    assert data.pos.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert data.types.tolist() == [2, 1]
    assert data.semiaxes.tolist() == [[0, 0, 0], [1, 2, 3]]
    assert data.orientations[1].tolist() == [0.5, 0.5, 0.5, -0.5]
    assert data.cell[0].tolist() == [[10, 0, 0], [0, 8, 0], [0, 0, 7]]
    assert data.pbc.all()


def test_ellipsoids_of_data_files_in_tilted_boxes(tmp_path, ellipsoids):
    positions, rotation, semiaxes = ellipsoids
    atoms = [f"{k + 1} 1 1 1.0 {x} {y} {z} 0 0 -1" for k, (x, y, z) in enumerate(positions)]
    shapes = np.hstack([np.arange(1, 7)[:, None], 2 * semiaxes, wxyz(rotation)])
    shapes = [f"{row[0]:.0f} " + " ".join(map(repr, row[1:].tolist())) for row in shapes[::-1]]
    text = HEADER.format(6, 6) + BOX + "1.5 -0.5 0.25 xy xz yz\n\nMasses\n\n1 1.0\n\nAtoms\n\n"
    path = tmp_path / "a.data"
    path.write_text(text + "\n".join(atoms) + "\n\nEllipsoids\n\n" + "\n".join(shapes) + "\n")
    (data,) = read_ellipsoids(path, quaternion_order="xyzw")  # which the format does not leave open
    np.testing.assert_allclose(sigma(data), expected_sigma(rotation, semiaxes), atol=1e-12)
    np.testing.assert_allclose(data.pos, positions)
    assert data.cell[0].tolist() == [[10, 0, 0], [1.5, 8, 0], [-0.5, 0.25, 7]]


@pytest.mark.parametrize(
    ("style", "row"),
    [
        ("atomic", "1 2 1 2 3"),
        ("charge", "1 2 0.5 1 2 3"),
        ("molecular", "1 7 2 1 2 3 0 0 0"),
        ("full", "1 7 2 0.5 1 2 3"),
    ],
)
def test_atoms_of_other_styles_get_sizes_from_the_user(tmp_path, style, row):
    path = tmp_path / "a.data"
    path.write_text(HEADER.format(1, 0) + BOX + f"\nAtoms  # {style}\n\n{row}\n")
    with pytest.raises(ValueError, match=r"a.data, frame 0: found no sizes"):
        read_ellipsoids(path)
    (data,) = read_ellipsoids(path, semiaxes=1.5)
    assert (data.pos.tolist(), data.types.tolist()) == ([[1, 2, 3]], [2])


def test_spheres_and_labels_of_types(tmp_path):
    path = tmp_path / "a.data"
    labels = "\nAtom Type Labels\n\n1 LC\n2 NP\n"
    atoms = "\nAtoms # sphere\n\n1 NP 3.0 1.0 1 2 3\n"
    path.write_text(HEADER.format(1, 0) + BOX + labels + atoms)
    (data,) = read_ellipsoids(path)
    assert data.semiaxes.tolist() == [[1.5] * 3]
    assert data.types.tolist() == [2]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2 atoms", "3 atoms", "section Atoms has 2 lines .*expected 3"),
        ("2 atoms", "-2 atoms", "found '-2', expected a number of atoms"),
        ("1 ellipsoids", "2 ellipsoids", "section Ellipsoids has 1 lines .*expected 2"),
        ("4 5 6", "4 *** 6", "column 'Atoms, x y z', row 1: found '\\*\\*\\*'"),
        ("2 1 1 1.0", "2 1.5 1 1.0", "column 'Atoms, type', row 1: found '1.5'"),
        ("1 2 0 1.0", "2 2 0 1.0", "section Atoms has the ID 2 more than once"),
        ("1 2 0 1.0", "1 2 1 1.0", r"disagree about the IDs \[1\]"),
        ("2 2 4 6", "5 2 4 6", r"disagree about the IDs \[5"),
        ("0 8 ylo", "8 0 ylo", "expected lo ≤ hi"),
        ("0.5 -0.5", "0.5 nan", "column 'Ellipsoids', row 0"),
        ("# ellipsoid", "# peri", "atom style 'peri'"),
        ("Atoms # ellipsoid", "Bodies", "found no section Atoms"),
        ("-1 9 xlo xhi", "9 0 0 avec", "general triclinic"),
    ],
)
def test_damaged_data_files(tmp_path, old, new, message):
    path = tmp_path / "a.data"
    assert old in TEXT
    path.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(ValueError, match=f"a.data, frame 0: .*{message}"):
        read_ellipsoids(path)
