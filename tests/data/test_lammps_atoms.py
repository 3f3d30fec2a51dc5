"""Atoms of LAMMPS dumps: elements, masses and forces, against ASE's reader and against refusals."""

from pathlib import Path

import ase.io
import numpy as np
import pytest
import torch

from anisoap_e3nn.data import EllipsoidMapping, iterate_coarse_grained, iterate_mapped
from anisoap_e3nn.data.files.ase_files import iterate_atoms

# two molecules of water, out of order
WATER = [
    (4, "O", 15.9994, 5.0, 5.0, 5.0),
    (1, "O", 15.9994, 1.0, 1.0, 1.0),
    (2, "H", 1.008, 1.76, 1.59, 1.0),
    (3, "H", 1.008, 0.24, 1.59, 1.0),
    (6, "H", 1.008, 4.24, 5.0, 5.59),
    (5, "H", 1.008, 5.76, 5.0, 5.59),
]
BOXES = {
    "orthogonal": "ITEM: BOX BOUNDS pp pp ff\n0 9\n0 9\n-1 8\n",
    "triclinic": "ITEM: BOX BOUNDS xy xz yz pp pp pp\n-1 12 2\n0 10 -1\n0 9 1\n",
}


def dump(path: Path, columns: str, box: str = "orthogonal", heavy: float = 0.0) -> Path:
    """Two frames with these columns; with `heavy` more mass on each hydrogen."""
    text = ""
    for step in range(2):
        rows = []
        for id_, element, mass, *r in WATER:
            r = [x + 0.01 * step for x in r]
            mass += heavy if element == "H" else 0.0
            values = {"id": id_, "element": element, "mass": mass, "type": 1 + (element == "H")}
            values |= dict(zip("xyz", r, strict=True)) | {
                f"{k}s": x / 9 for k, x in zip("xyz", r, strict=True)
            }
            values |= {"fx": id_ + step, "fy": -0.5 * id_, "fz": 0.25}
            rows.append(" ".join(str(values[name]) for name in columns.split()))
        body = "\n".join(rows)
        text += f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n6\n{BOXES[box]}"
        text += f"ITEM: ATOMS {columns}\n{body}\n"
    path.write_text(text)
    return path


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize(
    "columns",
    [
        "id element x y z fx fy fz",
        "id type element x y z",
        "id type mass x y z fx fy fz",
        "element x y z",
    ],
)
def test_atoms_are_those_of_ase(tmp_path: Path, columns: str, box: str) -> None:
    path = dump(tmp_path / "in.lammpstrj", columns, box)
    for found, expected in zip(iterate_atoms(path), ase.io.read(path, ":"), strict=True):
        assert found.numbers.tolist() == expected.numbers.tolist()
        np.testing.assert_allclose(found.positions, expected.positions, rtol=0, atol=1e-12)
        np.testing.assert_allclose(found.cell.array, expected.cell.array, rtol=0, atol=1e-12)
        assert found.pbc.tolist() == expected.pbc.tolist()
        assert (found.calc is None) == ("fx" not in columns)
        if found.calc is not None:
            assert "energy" not in found.calc.results  # which ASE invents
            np.testing.assert_allclose(found.get_forces(), expected.get_forces())


def test_masses_of_the_dump_count(tmp_path: Path) -> None:
    """Heavy hydrogen moves the centres, and has more inertia."""
    columns = "id type element x y z fx fy fz mass"
    light, heavy = (
        next(
            iterate_mapped(
                dump(tmp_path / f"{x}.dump", columns, heavy=x),
                EllipsoidMapping(dtype=torch.float64),
            )
        )
        for x in (0.0, 1.006)
    )
    assert light.masses.tolist() == pytest.approx([18.0154] * 2)
    assert heavy.masses.tolist() == pytest.approx([20.0274] * 2)
    y = (2 * 2.014 * 1.59 + 15.9994) / 20.0274
    assert heavy.pos[0].tolist() == pytest.approx([1.0, y, 1.0])
    assert (heavy.moments > 1.3 * light.moments).all()
    torch.testing.assert_close(heavy.forces, light.forces)
    assert (heavy.torques - light.torques).abs().max() > 0.01
    (first, _) = iterate_coarse_grained(tmp_path / "1.006.dump")
    assert first.pos[0].tolist() == pytest.approx([1.0, y, 1.0])


@pytest.mark.parametrize(
    ("columns", "old", "new", "message"),
    [
        (
            "id type x y z",
            "",
            "",
            "found neither the column 'element' nor 'mass'.*dump_modify ID element",
        ),
        (
            "id type mass x y z",
            "1.008",
            "3.024",
            "found the mass 3.024, which is that of no element",
        ),
        ("id type element x y z", " O ", " OW ", "holds 'OW', expected symbols of elements"),
        ("id x y z mass", "", "", "no column 'type'"),
        ("id element x y z", "\n6 H", "\n5 H", "found 5 more than once"),
    ],
)
def test_dumps_that_do_not_tell_the_elements(
    tmp_path: Path, columns: str, old: str, new: str, message: str
) -> None:
    path = dump(tmp_path / "in.dump", columns)
    path.write_text(path.read_text().replace(old, new) if old else path.read_text())
    with pytest.raises(ValueError, match=f"in.dump, frame 0: .*{message}"):
        next(iterate_mapped(path, EllipsoidMapping()))
