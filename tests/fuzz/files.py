"""Damaged files of all formats through the command line: features, or one line and exit code 2."""

import contextlib
import gzip
import io
import lzma
import os
import random
import tempfile
import warnings
from functools import cache
from pathlib import Path

import numpy as np

from anisoap_e3nn import cli

from .case import Case, place_of
from .damage import OF_BYTES, OF_TEXT

EXPANSION = ["--cutoff", "3", "--max-angular", "1", "--radial-gaussian-width", "1"]
_PROPERTIES = "species:S:1:pos:R:3:c_q:R:4:c_diameter:R:3:forces:R:3"
_EXTXYZ = f"""3
Lattice="9 0 0 0 9 0 0 0 9" Properties={_PROPERTIES} energy=-1.5 pbc="T T F"
C 0.0 0.1 0.2 1.0 0.0 0.0 0.0 1.0 1.5 2.0 0.1 0.2 0.3
H 2.0 0.1 0.2 0.5 0.5 0.0 0.0 1.0 1.5 2.0 0.1 0.2 0.3
C 2.0 2.1 0.2 0.5 0.0 0.5 0.0 1.0 1.0 2.0 0.1 0.2 0.3
"""
_DUMP = """ITEM: TIMESTEP
100
ITEM: NUMBER OF ATOMS
3
ITEM: BOX BOUNDS xy xz yz pp pp ff
-1.0 9.0 1.0
0.0 9.0 0.0
0.0 9.0 0.0
ITEM: ATOMS id type x y z quatw quati quatj quatk shapex shapey shapez fx fy fz
2 1 0.0 0.1 0.2 1.0 0.0 0.0 0.0 1.0 1.5 2.0 0.1 0.2 0.3
1 2 2.0 0.1 0.2 0.5 0.5 0.0 0.0 1.0 1.5 2.0 0.1 0.2 0.3
3 1 2.0 2.1 0.2 0.5 0.0 0.5 0.0 1.0 1.0 2.0 0.1 0.2 0.3
"""
_DATA = """LAMMPS data file

3 atoms
2 atom types
2 ellipsoids

0.0 9.0 xlo xhi
0.0 9.0 ylo yhi
0.0 9.0 zlo zhi
1.0 0.0 0.0 xy xz yz

Masses

1 1.0
2 2.0

Atoms # ellipsoid

1 1 1 1.0 0.0 0.1 0.2
2 2 1 1.0 2.0 0.1 0.2
3 1 0 1.0 2.0 2.1 0.2

Ellipsoids

1 1.0 1.5 2.0 1.0 0.0 0.0 0.0
2 1.0 1.5 2.0 0.5 0.5 0.0 0.0
"""
# formats of atoms that ASE writes, by the ending of the name
_OF_ASE = (
    "xyz",
    "cif",
    "json",
    "traj",
    "pdb",
    "vasp",
    "gen",
    "xsf",
    "res",
    "cube",
    "in",
    "mol",
    "sdf",
    "db",
)


@cache
def originals() -> dict[str, bytes]:
    """Intact files by name."""
    files = {
        "ellipsoids.xyz": 2 * _EXTXYZ.encode(),
        "frames.dump": 2 * _DUMP.encode(),
        "ellipsoids.data": _DATA.encode(),
        "frames.dump.gz": gzip.compress(2 * _DUMP.encode()),
        "frames.xyz.xz": lzma.compress(2 * _EXTXYZ.encode()),
        "plain.xyz": b"2\n\nC 0 0 0\nH 0 0 1.1\n",
    }
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        files |= _of_ase(Path(folder)) | _of_gsd(Path(folder))
    return files


def _of_ase(folder: Path) -> dict[str, bytes]:
    try:
        import ase.build
        import ase.io
    except ImportError:
        return {}
    atoms = ase.build.molecule("H2O", cell=[6.0, 7.0, 8.0], pbc=True)
    files = {}
    for ending in _OF_ASE:
        path = folder / f"atoms.{ending}"
        form = {"in": "aims", "res": "res"}.get(ending)
        with contextlib.suppress(Exception):  # formats that this version of ASE does not write
            ase.io.write(path, atoms, format=form)
            files[path.name] = path.read_bytes()
    return files


def _of_gsd(folder: Path) -> dict[str, bytes]:
    try:
        import gsd.hoomd
    except ImportError:
        return {}
    frame = gsd.hoomd.Frame()
    frame.particles.N = 2
    frame.particles.position = [[0, 0, 0], [1, 1, 1]]
    frame.particles.orientation = [[1, 0, 0, 0], [0.5, 0.5, 0, 0]]
    frame.particles.typeid = [0, 0]
    frame.particles.types = ["A"]
    frame.particles.type_shapes = [{"type": "Ellipsoid", "a": 1.0, "b": 0.5, "c": 0.5}]
    frame.configuration.box = [9, 9, 9, 0, 0, 0]
    path = folder / "frames.gsd"
    with gsd.hoomd.open(str(path), "w") as file:
        file.append(frame)
    return {path.name: path.read_bytes()}


def damaged_file(choose: random.Random) -> Case:
    """Damage one file, and featurize it."""
    name = choose.choice(list(originals()))
    file = originals()[name]
    is_text = b"\0" not in file and not name.endswith((".gz", ".xz"))
    damages = [
        choose.choice(OF_BYTES + is_text * 3 * OF_TEXT) for _ in range(choose.choice([1, 1, 2]))
    ]
    for damage in damages:
        file = damage(file, choose) if file else file
    atoms = name.startswith(("atoms", "plain"))
    options = choose.choice([["--semiaxes", "1"], ["--coarse-grain"]]) if atoms else []
    options += choose.choice([[], [], ["--types", "1", "6"], ["--pbc", "F"]])
    what = f"{name} ({', '.join(damage.__name__ for damage in damages)}) {' '.join(options)}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(file)
        return Case(what, *_featurized(path, options))


def _featurized(path: Path, options: list[str]) -> tuple[str, str | None]:
    output = path.with_name("out.npz")
    words = ["featurize", str(path), "-o", str(output), *EXPANSION, *options]
    said, errors = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(errors):
            code = cli.main(words)
    except (Exception, SystemExit) as error:
        return type(error).__name__, place_of(error)
    lines = [
        line
        for line in errors.getvalue().splitlines()
        if not line.startswith("anisoap-e3nn: warning: ") and "frame/s" not in line
    ]
    if code == 0:
        with np.load(output) as result:
            finite = bool(np.isfinite(result["features"]).all())
        return "exit 0", None if finite and not lines else f"features are not finite, or {lines}"
    left = sorted(os.listdir(path.parent))
    clear = code == 2 and len(lines) == 1 and lines[0].startswith("anisoap-e3nn: error: ")
    if not clear or left != [path.name]:
        return f"exit {code}", f"{' | '.join(lines):.300} and left {left}"
    return "exit 2", None
