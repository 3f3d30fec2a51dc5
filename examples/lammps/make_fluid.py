"""Make the files of the LAMMPS example: ``python examples/lammps/make_fluid.py FOLDER``.

The input scripts, a data file of 125 ellipsoids, and a Gay-Berne potential as a checkpoint. Any other model
that is saved with ``save_model`` takes its place.
"""

import shutil
import sys
from pathlib import Path

import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.gay_berne import gay_berne_fluids, triaxial_gay_berne
from anisoap_e3nn.potentials import save_model


def data_file(data: EllipsoidData) -> str:
    """Text of a LAMMPS data file; its shapes are diameters."""
    n, lengths = len(data.pos), data.cell[0].diagonal().tolist()
    lines = ["Ellipsoids", "", f"{n} atoms", f"{n} ellipsoids", "1 atom types"]
    lines += [f"0 {length!r} {x}lo {x}hi" for x, length in zip("xyz", lengths, strict=True)]
    lines += ["", "Atoms # ellipsoid", ""]
    lines += [f"{k} 1 1 1.0 " + _words(row) for k, row in enumerate(data.pos, 1)]
    lines += ["", "Ellipsoids", ""]
    shapes = torch.cat([2 * data.semiaxes, data.orientations], 1)  # -> [particle, 7]
    lines += [f"{k} " + _words(row) for k, row in enumerate(shapes, 1)]
    return "\n".join(lines) + "\n"


def _words(row: torch.Tensor) -> str:
    return " ".join(map(repr, row.tolist()))


def main(folder: Path) -> None:
    torch.set_default_dtype(torch.float64)
    folder.mkdir(parents=True, exist_ok=True)
    (fluid,) = gay_berne_fluids(n_particles=125, n_sweeps=30)
    (folder / "fluid.data").write_text(data_file(fluid))
    model = triaxial_gay_berne(3.0, smoothing_width=0.5)
    save_model(model, folder / "gay_berne.pt", overwrite=True, metadata={"units": "lj"})
    for name in ("fluid.in", "compiled.in"):
        shutil.copy(Path(__file__).with_name(name), folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
