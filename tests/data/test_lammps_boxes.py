"""Cells of LAMMPS dumps, from the bounds of their bounding box."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from anisoap_e3nn.data import read_ellipsoids

LOW = np.array([-1.0, 0.5, 2.0])


@pytest.mark.parametrize(("xy", "xz"), list(product([1.5, 0.0, -1.5], [2.0, 0.0, -2.0])))
@pytest.mark.parametrize("yz", [1.0, -1.0])
def test_tilts_of_every_sign(tmp_path: Path, xy: float, xz: float, yz: float) -> None:
    cell = np.array([[8.0, 0, 0], [xy, 9.0, 0], [xz, yz, 10.0]])
    corners = LOW + np.array(list(product([0, 1], repeat=3))) @ cell
    bounds = np.column_stack([corners.min(0), corners.max(0), [xy, xz, yz]])
    lines = "\n".join(" ".join(map(str, row)) for row in bounds.tolist())
    (tmp_path / "a.dump").write_text(
        "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\n"
        f"ITEM: BOX BOUNDS xy xz yz pp pp pp\n{lines}\n"
        "ITEM: ATOMS id type xs ys zs quatw quati quatj quatk shapex shapey shapez\n"
        "1 1 0.5 0.25 0.75 1 0 0 0 2 4 6\n"
    )
    (data,) = read_ellipsoids(tmp_path / "a.dump")
    np.testing.assert_allclose(data.cell[0], cell, atol=1e-6)
    expected = LOW + np.array([0.5, 0.25, 0.75]) @ cell
    np.testing.assert_allclose(data.pos[0], expected, atol=1e-6)
