"""The example of constant pressure: before chaos sets in, both pair styles give the same averages."""

import sys
from pathlib import Path

from commands import ROOT, succeed

PROGRAM = """import npt_fluid, torch
torch.set_default_dtype(torch.float64)
npt_fluid.averages(9, (3.0,), n_equilibration=200, n_steps=400)"""


def test_density_and_order_are_those_of_lammps(tmp_path: Path) -> None:
    path = str(ROOT / "examples" / "lammps")
    printed = succeed([sys.executable, "-c", PROGRAM], tmp_path, PYTHONPATH=path, MPLBACKEND="Agg")
    rows = [line.split() for line in printed.splitlines() if "density" in line]
    assert [row[0] for row in rows] == ["gayberne", "anisoap"]
    assert rows[0][1:] == rows[1][1:]
    density, order = (float(rows[0][k]) for k in (4, 8))
    assert 0.2 < density < 0.5  # compressed from 0.19
    assert 0.5 < order < 1
