import bz2
import gzip
import lzma
import tracemalloc

import ase.io
import numpy as np
import pytest

from anisoap_e3nn.data import count_frames, read_ellipsoids
from anisoap_e3nn.data.coarse_graining.ellipsoids import iterate_coarse_grained

pytestmark = pytest.mark.usefixtures("float64_by_default")
PROPERTIES = "Properties=species:S:1:pos:R:3:quaternions:R:4:semiaxes:R:3"
FRAME = f'1\nLattice="10 0 0 0 10 0 0 0 10" {PROPERTIES} energy=2.5\nX 1 2 3 1 0 0 0 1 2 3\n'


@pytest.mark.parametrize("blank", ["\n", "   \n", "\n\n"])
def test_blank_lines_between_frames_are_skipped(tmp_path, blank):
    path = tmp_path / "a.xyz"
    path.write_text(blank + blank.join([FRAME] * 3) + blank)
    assert len(read_ellipsoids(path)) == count_frames(path) == 3
    path.write_text(FRAME + blank + "the end\n")
    with pytest.raises(ValueError, match="frame 1: found 'the end', expected a number"):
        read_ellipsoids(path)


@pytest.mark.parametrize("text", ["\n", "  \n\n\n"])
@pytest.mark.parametrize("name", ["a.xyz", "a.extxyz", "a.data", "a.dump"])
def test_files_that_are_not_empty_and_gave_nothing_are_refused(tmp_path, text, name):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ValueError, match=f"{name}.*"):
        read_ellipsoids(path)
    with pytest.raises(ValueError, match=f"{name}.*"):
        list(iterate_coarse_grained(path))


@pytest.mark.parametrize("count", ["-1", "1_0", "1.5", "٣", "9" * 40])
def test_counts_that_are_none(tmp_path, count):
    path = tmp_path / "a.xyz"
    path.write_text(FRAME + FRAME.replace("1", count, 1))
    for read, where in ((read_ellipsoids, ", frame 1"), (count_frames, "")):
        with pytest.raises(ValueError, match=f"a.xyz{where}: found '{count}', expected a number"):
            read(path)


@pytest.mark.parametrize("count", [10**7, 10**17])
def test_a_huge_count_takes_no_more_memory_than_the_file(tmp_path, count):
    path = tmp_path / "a.xyz"
    path.write_text(FRAME.replace("1", str(count), 1))
    with pytest.raises(ValueError, match="ends early"):
        count_frames(path)  # imports what it needs
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"a.xyz, frame 0: the file ends early, expected {count}"):
        read_ellipsoids(path)
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["type", "types", "Type", "typeid", "particle_type"])
@pytest.mark.parametrize("kind", ["I", "R"])
def test_types_of_particles_without_elements(tmp_path, name, kind):
    path = tmp_path / "a.xyz"
    path.write_text(
        f"2\nProperties=pos:R:3:{name}:{kind}:1:radius:R:1\n1 2 3 4 0.5\n2 3 4 7 0.25\n"
    )
    (data,) = read_ellipsoids(path)
    assert data.types.tolist() == [4, 7]
    assert data.semiaxes.tolist() == [[0.5] * 3, [0.25] * 3]
    path.write_text(path.read_text().replace(f"{name}:{kind}", f"{name}:R").replace(" 7 ", " 7.5 "))
    with pytest.raises(
        ValueError, match=r"column 'type.*|column 'particle_type', row 1: found '7.5'"
    ):
        read_ellipsoids(path)


def test_species_that_are_numbers_or_elements(tmp_path):
    path = tmp_path / "a.xyz"
    path.write_text("2\nProperties=species:I:1:pos:R:3\n3 0 0 0\n5 1 1 1\n")
    assert read_ellipsoids(path, semiaxes=1.0)[0].types.tolist() == [3, 5]
    path.write_text("1\nProperties=species:S:1:pos:R:3:type:I:1\nO 0 0 0 5\n")
    assert read_ellipsoids(path, semiaxes=1.0)[0].types.tolist() == [8]
    path.write_text("1\nProperties=species:S:1:pos:R:3\nLC 0 0 0\n")
    with pytest.raises(ValueError, match=r"element 'Lc', .* a column type:I:1"):
        read_ellipsoids(path, semiaxes=1.0)
    path.write_text("1\nProperties=pos:R:3:type:I:1:types:I:1\n0 0 0 5 6\n")
    with pytest.raises(ValueError, match="'type' and 'types' hold different types"):
        read_ellipsoids(path, semiaxes=1.0)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("X 1 *** 3 1 0 0 0 1 2 3", r"column 'pos', row 0: found '\*\*\*', expected a number"),
        ("X 1 2 3 1 0 0 0 1 2 a", "column 'semiaxes', row 0: found 'a', expected a number"),
        ("X 1 2 3 1 0 0 0 0 1 2 3", "row 0: found 12 columns, expected 11, as Properties"),
        ("X 1 2 3 1 0 0", "row 0: found 7 columns, expected 11"),
        ("X 1 2 3 1 0 0 0 1 2 nan", "column 'semiaxes', row 0: found .*nan.*finite"),
    ],
)
def test_words_that_do_not_fit_are_named(tmp_path, row, message):
    path = tmp_path / "a.xyz"
    path.write_text(FRAME + FRAME.rsplit("\n", 2)[0] + f"\n{row}\n")
    with pytest.raises(ValueError, match=f"a.xyz, frame 1: .*{message}"):
        read_ellipsoids(path)


def test_frames_without_particles_have_columns_of_all_shapes(tmp_path):
    path = tmp_path / "a.xyz"
    for properties in (PROPERTIES, "Properties=species:S:1:pos:R:3:type:S:1:radius:R:1:forces:R:3"):
        path.write_text(f"0\n{properties}\n")
        assert read_ellipsoids(path)[0].num_nodes == 0


def test_targets_are_finite(tmp_path):
    path = tmp_path / "a.xyz"
    for old, new in (("2.5", "nan"), (":semiaxes:R:3", ":semiaxes:R:3:forces:R:3")):
        text = FRAME.replace(old, new)
        path.write_text(text if new == "nan" else text.rstrip() + " 0 inf 0\n")
        with pytest.raises(ValueError, match=r"frame 0: column '(energy|forces)', row 0: found"):
            read_ellipsoids(path)


def test_spheres_of_ovito_have_their_radius(tmp_path):
    path = tmp_path / "ovito.xyz"
    header = "2\nProperties=species:S:1:pos:R:3:orientation:R:4:aspherical_shape:R:3"
    rows = ["C 1 1 1 0 0 0 1 1 2 3", "O 4 4 4 0 0 0 0 0 0 0"]
    path.write_text(f"{header}:radius:R:1\n{rows[0]} 0.7\n{rows[1]} 0.9\n")
    assert read_ellipsoids(path)[0].semiaxes.tolist() == [[1, 2, 3], [0.9] * 3]
    path.write_text(f"{header}:diameter:R:1\n{rows[0]} 0.7\n{rows[1]} 0.9\n")
    assert read_ellipsoids(path)[0].semiaxes.tolist() == [[1, 2, 3], [0.45] * 3]
    path.write_text(f"{header}\n{rows[0]}\n{rows[1]}\n")
    with pytest.raises(ValueError, match=r"'aspherical_shape', row 1: found 0 0 0.* give semiaxes"):
        read_ellipsoids(path)


@pytest.mark.parametrize("opener", [gzip.open, bz2.open, lzma.open])
def test_damaged_archives(tmp_path, opener):
    suffix = {gzip.open: "gz", bz2.open: "bz2", lzma.open: "xz"}[opener]
    path = tmp_path / f"a.xyz.{suffix}"
    with opener(path, "wt") as file:
        file.write("".join(FRAME.replace("2.5", str(k)) for k in range(1000)))
    assert len(read_ellipsoids(path)) == 1000
    good = path.read_bytes()
    corrupt = good[: len(good) // 2] + bytes(8) + good[len(good) // 2 + 8 :]
    for damaged in (good[:-9], good[: len(good) // 2], good[:7], corrupt, b"no archive at all"):
        path.write_bytes(damaged)
        for read in (read_ellipsoids, count_frames, lambda p: list(iterate_coarse_grained(p))):
            with pytest.raises(ValueError, match=f"a.xyz.{suffix}"):
                read(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("conf.dat", b"t = 0\nb = 10 10 10\nE = 0 0 0\n1 2 3 1 0 0 0 0 1\n"),
        ("a.cif", b"data_x\n_cell_length_a 5\nloop_\n"),
        ("a.json", b"{}"),
        ("a.json", b'{"1": {'),
        ("a.db", b"SQLite format 3\0 and no more"),
        ("a.traj", b"- of Ulm and no more"),
        ("a.sdf", b"\n\n\nx y\n"),
        ("a.car", b"!BIOSYM archive 3\nPBC=ON\n"),
        ("a.gen", b"5 C\nH\n1 1 0 zero 0\n"),
        ("a.xsf", b"CRYSTAL\nPRIMVEC\n1 0\n"),
        ("OUTCAR", b"vasp.5\n POSCAR\n"),
        ("POSCAR", b"x\n1.0\n1 0 0\n"),
        ("a.gsd", b"no trajectory"),
        ("a.xyz", b"1\n\nX 0 0 \xff\n"),
        ("a.pdb", b"ATOM  nothing\n"),
        ("a.cube", b"a\nb\nc\n"),
    ],
)
def test_whatever_ase_raises_becomes_one_error(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=name):
        read_ellipsoids(path, semiaxes=1.0)
    if not name.endswith("gsd"):
        with pytest.raises(ValueError, match=name):
            list(iterate_coarse_grained(path))


def test_the_energy_that_ase_invents_for_dumps_is_no_target(tmp_path):
    path = tmp_path / "a.lammpstrj"
    rows = "\n".join(f"{k + 1} 1 H {k * 0.7} 0 0 0.5 0 0" for k in range(2))
    path.write_text(
        "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\n"
        f"ITEM: ATOMS id type element x y z fx fy fz\n{rows}\n"
    )
    assert ase.io.read(path, format="lammps-dump-text").calc.results["energy"] == 0
    (data,) = iterate_coarse_grained(path)
    assert "energy" not in data
    np.testing.assert_allclose(data.forces.sum(0), [1, 0, 0])
    (data,) = read_ellipsoids(path, semiaxes=1.0)
    assert "energy" not in data
