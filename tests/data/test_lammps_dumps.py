import bz2
import gzip
import lzma
import warnings
from itertools import product

import ase.io
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from anisoap_e3nn.data import read_ellipsoids
from anisoap_e3nn.data.files.readers import count_frames
from ellipsoid_files import QUIET, expected_sigma, lammps_dump, particle_columns, sigma

pytestmark = [
    pytest.mark.usefixtures("float64_by_default"),
    pytest.mark.filterwarnings(QUIET),
]

QUATERNION_COLUMNS = [
    "c_q[1] c_q[2] c_q[3] c_q[4]",
    "quatw quati quatj quatk",
    "quatw quatx quaty quatz",
]
SHAPE_COLUMNS = ["c_shape[1] c_shape[2] c_shape[3]", "shapex shapey shapez"]
ORIGIN = np.array([-1.0, 0.5, 2.0])
RESTRICTED = np.array([[8.0, 0, 0], [1.5, 9.0, 0], [-2.0, 1.0, 10.0]])


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
        ValueError, match=r"frame 1: timestep 100: .* expected 6 lines of 12 columns"
    ):
        read_ellipsoids(path)
    path.write_text(text.replace("ATOMS id type", "ATOMS id kind"))
    with pytest.raises(ValueError, match="frame 0: timestep 0: the dump has no column 'type'"):
        read_ellipsoids(path)
    path.write_text(text.replace("type x y", "type x v"))
    with pytest.raises(ValueError, match="expected complete coordinates"):
        read_ellipsoids(path)
    path.write_text(text.replace("ITEM: NUMBER OF ATOMS", "ITEM: NUMBER OF BONDS"))
    with pytest.raises(ValueError, match="expected 'ITEM: NUMBER OF ATOMS'"):
        read_ellipsoids(path)


NAMES = f"id type x y z {QUATERNION_COLUMNS[1]} {SHAPE_COLUMNS[1]} fx fy fz"
ROW = "1 1 1 2 3 1 0 0 0 2 4 6 0.1 0.2 0.3"


def dump(rows=(ROW,), header="pp pp pp", box=("0 9", "0 9", "0 9"), names=NAMES, number=None):
    lines = ["ITEM: TIMESTEP", "0", "ITEM: NUMBER OF ATOMS", str(number or len(rows))]
    lines += [f"ITEM: BOX BOUNDS {header}".rstrip(), *box, f"ITEM: ATOMS {names}", *rows]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("blank", ["\n", "   \n", "\n\t\n\n"])
def test_blank_lines_between_frames_of_dumps_are_skipped(tmp_path, blank):
    path = tmp_path / "a.dump"
    path.write_text(blank + blank.join([dump()] * 3) + blank)
    assert len(read_ellipsoids(path)) == count_frames(path) == 3
    path.write_text(dump() + blank + "# end\n" + dump())
    with pytest.raises(ValueError, match="frame 1: found '# end', expected 'ITEM: TIMESTEP'"):
        read_ellipsoids(path)


@pytest.mark.parametrize(
    ("header", "pbc"),
    [
        ("", [True, True, True]),
        ("pp ff pp", [True, False, True]),
        ("fs sm mm", [False, False, False]),
        ("p p f", [True, True, False]),
    ],
)
@pytest.mark.parametrize("tilt", ["", "xy xz yz "])
def test_boundary_flags_of_dumps(tmp_path, header, pbc, tilt):
    path = tmp_path / "a.dump"
    box = ["0 10 1", "0 9 0", "0 9 0"] if tilt else ["0 9"] * 3
    path.write_text(dump(header=tilt + header, box=box))
    (data,) = read_ellipsoids(path)
    assert data.pbc.tolist() == [pbc]
    cell = [[9, 0, 0], [1 if tilt else 0, 9, 0], [0, 0, 9]]
    assert data.cell[0].tolist() == cell


@pytest.mark.parametrize(
    ("header", "box", "message"),
    [
        ("pp pp", ["0 9"] * 3, "BOX BOUNDS has 'pp pp', expected three flags"),
        ("pp pp qq", ["0 9"] * 3, "BOX BOUNDS has 'pp pp qq', expected three flags"),
        ("pp pf pp", ["0 9"] * 3, "expected three flags"),
        ("pp pp pp", ["0 9 1"] * 3, "expected three lines of 2 numbers: low, high"),
        ("xy xz yz pp pp pp", ["0 9"] * 3, "expected three lines of 3 numbers: low, high, tilt"),
        ("pp pp pp", ["0 9", "9 0", "0 9"], "reaches from 9 to 0 along y, expected low ≤ high"),
        ("pp pp pp", ["0 9", "0 nan", "0 9"], "'BOX BOUNDS', row 1: found .*nan"),
        ("abc origin pp pp pp", ["0 9 0 0", "9 0 0 0", "0 0 9 0"], "not right-handed"),
    ],
)
def test_boxes_that_are_not_understood_are_refused(tmp_path, header, box, message):
    path = tmp_path / "a.dump"
    path.write_text(dump(header=header, box=box))
    with pytest.raises(ValueError, match=f"a.dump, frame 0: timestep 0: .*{message}"):
        read_ellipsoids(path)


def with_word(column, word):
    words = ROW.split()
    words[NAMES.split().index(column)] = word
    return " ".join(words)


@pytest.mark.parametrize("column", ["id", "x", "quatw", "shapey", "fy"])
@pytest.mark.parametrize("word", ["***", "1.0D+00", "nan", "-inf", "1_0", "0x1", "٣", "NULL"])
def test_words_that_are_no_numbers_are_named(tmp_path, column, word):
    path = tmp_path / "a.dump"
    path.write_text(dump([ROW.replace("1 1", "2 1", 1), with_word(column, word)]))
    with pytest.raises(
        ValueError, match=f"a.dump, frame 0: .*column '{column}', row 1: found"
    ) as e:
        read_ellipsoids(path)
    assert word in str(e.value)


@pytest.mark.parametrize("word", ["1.7", "1e30", "nan", "inf", "1_0", "٣"])
def test_types_of_dumps_are_integers(tmp_path, word):
    path = tmp_path / "a.dump"
    path.write_text(dump([with_word("type", word)]))
    with pytest.raises(ValueError, match="column 'type', row 0: found"):
        read_ellipsoids(path)


def test_types_of_dumps_that_are_understood_or_explained(tmp_path):
    path = tmp_path / "a.dump"
    path.write_text(dump([with_word("type", "3.0")]))
    assert read_ellipsoids(path)[0].types.tolist() == [3]
    path.write_text(dump([with_word("type", "LC")]))
    with pytest.raises(ValueError, match=r"column 'type' holds the label 'LC', .*types numeric"):
        read_ellipsoids(path)


def test_columns_and_particles_that_come_twice_are_refused(tmp_path):
    path = tmp_path / "a.dump"
    path.write_text(dump([ROW, ROW]))
    with pytest.raises(ValueError, match="column 'id': found 1 more than once"):
        read_ellipsoids(path)
    path.write_text(dump(names=NAMES.replace("fx fy fz", "x y z")))
    with pytest.raises(ValueError, match="two different columns 'x'"):
        read_ellipsoids(path)
    path.write_text(dump([ROW + " 1"], names=NAMES + " x"))  # the same twice is no contradiction
    assert read_ellipsoids(path)[0].pos.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("number", ["-1", "1.5", "many", "9" * 30])
def test_numbers_of_atoms_that_are_none(tmp_path, number):
    path = tmp_path / "a.dump"
    path.write_text(dump(number=number))
    with pytest.raises(
        ValueError, match=f"frame 0: .*found '{number}', expected a number of parti"
    ):
        read_ellipsoids(path)


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz"])
def test_compressed_dumps_and_their_damage(tmp_path, suffix):
    path = tmp_path / f"a.dump.{suffix}"
    with compressed_open(path) as file:
        file.write("".join(dump() for _ in range(500)))
    assert len(read_ellipsoids(path)) == count_frames(path) == 500
    good = path.read_bytes()
    corrupt = good[: len(good) // 2] + bytes(8) + good[len(good) // 2 + 8 :]
    for damaged in (good[:-9], good[: len(good) // 2], good[:7], corrupt, b"no archive at all"):
        path.write_bytes(damaged)
        for read in (read_ellipsoids, count_frames):
            with pytest.raises(ValueError, match=f"a.dump.{suffix}.*"):
                read(path)


def compressed_open(path):
    return {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}[path.suffix](path, "wt")


def test_c_orient_needs_an_order_that_its_makers_disagree_about(tmp_path):
    path = tmp_path / "ovito.dump"
    half = 0.5**0.5
    names = "id type x y z c_orient[1] c_orient[2] c_orient[3] c_orient[4] shapex shapey shapez"
    path.write_text(dump([f"1 1 1 1 1 0 0 {half} {half} 2 4 6"], names=names))
    with pytest.raises(ValueError, match=r"frame 0: .*'c_orient'.*give quaternion_order"):
        read_ellipsoids(path)
    (data,) = read_ellipsoids(path, quaternion_order="xyzw")
    np.testing.assert_allclose(data.orientations, [[half, 0, 0, half]])
    (data,) = read_ellipsoids(path, quaternion_order="wxyz")
    np.testing.assert_allclose(data.orientations, [[0, 0, half, half]])


def test_names_of_components_outweigh_the_order(tmp_path):
    path = tmp_path / "a.dump"
    path.write_text(dump())
    assert read_ellipsoids(path, quaternion_order="xyzw")[0].orientations.tolist() == [[1, 0, 0, 0]]


@pytest.mark.filterwarnings("default")
def test_c_shape_is_read_as_lammps_writes_it_with_a_warning(tmp_path):
    path = tmp_path / "a.dump"
    path.write_text(dump(names=NAMES.replace(SHAPE_COLUMNS[1], SHAPE_COLUMNS[0])))
    with pytest.warns(UserWarning, match="'c_shape', read as diameters.*give stored_sizes"):
        assert read_ellipsoids(path)[0].semiaxes.tolist() == [[1, 2, 3]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_ellipsoids(path, stored_sizes="semiaxes")[0].semiaxes.tolist() == [[2, 4, 6]]
